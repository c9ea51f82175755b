//! CSTA documents.
