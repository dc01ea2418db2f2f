//! The port: what Perilune asks of a storage array, in the words of the domain.
