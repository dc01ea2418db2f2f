//! Rules of the model, asked through calls.
