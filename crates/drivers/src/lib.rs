//! Vendor tag to connected driver.
