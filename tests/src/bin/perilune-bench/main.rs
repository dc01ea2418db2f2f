//! Measures budgets that need the parts running. Prints a JSON list of rows; `cargo xtask bench` makes the table.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the rows are this program's output, its progress goes to the other stream"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "measuring equipment made of processes; the rules for a product's do not apply"
)]

mod controller;
mod port;
mod roundtrips;
mod row;
mod xiv;

use anyhow::Result;
use row::Row;

fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let wants = |family: &str| {
        wanted.is_empty()
            || wanted.iter().any(|name| name.starts_with(family) || family.starts_with(name.as_str()))
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut rows: Vec<Row> = Vec::new();
    if wants("roundtrips/solidfire/") {
        rows.extend(runtime.block_on(roundtrips::measure())?);
        rows.extend(runtime.block_on(port::measure())?);
    }
    if wants("roundtrips/xiv/") {
        rows.extend(runtime.block_on(xiv::measure())?);
    }
    for (family, measure) in controller::MEASURES {
        if wants(family) {
            eprintln!("{family} …");
            rows.extend(runtime.block_on(measure())?);
        }
    }
    rows.retain(|row| wanted.is_empty() || wanted.iter().any(|name| row.name.starts_with(name.as_str())));
    println!("{}", serde_json::to_string_pretty(&rows)?);
    Ok(())
}
