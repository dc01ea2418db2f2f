//! How bytes reach an array: TLS trust, endpoint failover, redaction, JSON over HTTP.
