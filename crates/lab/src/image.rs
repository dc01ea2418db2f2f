//! Container images from files.
