//! The custom resources: types, validation rules, conditions.
