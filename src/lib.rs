//! uacsta: open CSTA middleware for SIP desk phones.
