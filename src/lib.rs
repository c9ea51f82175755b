//! uacsta: open CSTA middleware for SIP desk phones.

pub mod accounts;
pub mod api;
pub mod audit;
pub mod bundle;
pub mod cli;
pub mod data_dir;
pub mod demo;
pub mod ladder;
pub mod logs;
pub mod net;
pub mod operations;
pub mod operators;
pub mod pages;
pub mod password_policy;
pub mod process;
pub mod reload;
pub mod server;
pub mod service;
pub mod store;
pub mod texts;

pub use server::{Addresses, ConfigWarning, Running, Server, StartError};
