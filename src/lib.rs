//! uacsta: open CSTA middleware for SIP desk phones.

pub mod cli;
pub mod first_start;
pub mod logs;
pub mod net;
pub mod store;
pub mod web;
