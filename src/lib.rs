//! uacsta: open CSTA middleware for SIP desk phones.

pub mod admin;
pub mod cli;
pub mod demo;
#[cfg(unix)]
pub mod descriptors;
pub mod first_start;
pub mod keeper;
pub mod logs;
pub mod net;
pub mod running_time;
pub mod server;
pub mod service;
pub mod signals;
pub mod store;
pub mod web;

pub use server::{Addresses, Running, Server, StartError, Weakness};
