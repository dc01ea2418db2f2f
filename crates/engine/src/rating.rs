//! How pools are rated by the administrator's own words: the CEL expressions `filter` and `goodness`.
//!
//! They see three variables. `pool`: `name`, `labels`, `total`, `free`, `provisioned`, `left` (what may still be promised), each
//! in bytes and as `totalGiB` and so on, and `freePercent`. `volume`: `name`, `size` and `sizeGiB`, `parameters`, `source` (`""`,
//! `"volume"` or `"snapshot"`), `namespace`, `claim`. `capabilities`: `snapshots`, `groups`, `groupSnapshots`, `mirrors`,
//! `roleSwap`, `qos`, `rename`, `protocols`. All numbers are whole.
//!
//! An expression comes from outside and is bounded before it is looked at: in length, in nesting, and by having no loops.

mod bounds;
mod variables;

use std::fmt;

use cel::{Context, Program, Value};
use perilune_array::Pool;

use crate::fleet::{BackendReport, BackendSpec, Scheduling};
use crate::placement::room;
use crate::request::VolumeRequest;

/// The expressions of one backend, compiled.
#[derive(Default)]
pub(crate) struct Rating {
    filter: Option<Expression>,
    goodness: Option<Expression>,
    /// One of the two is no expression: nothing is let in until it is mended.
    broken: Option<String>,
}

struct Expression {
    field: &'static str,
    program: Program,
    /// It asks for keys that people give, which may be there for one volume or pool and not for another.
    asks_for_keys: bool,
}

impl fmt::Debug for Rating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rating")
            .field("filter", &self.filter.is_some())
            .field("goodness", &self.goodness.is_some())
            .finish()
    }
}

/// What an expression is asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) spec: &'a BackendSpec,
    pub(crate) report: &'a BackendReport,
    pub(crate) pool: &'a Pool,
    pub(crate) request: &'a VolumeRequest,
    /// The size that it would have there.
    pub(crate) size: perilune_array::Size,
}

impl Rating {
    /// What the administrator wrote, be it sound or not.
    pub(crate) fn of(scheduling: &Scheduling) -> Self {
        Self::compile(scheduling).unwrap_or_else(|why| Self { broken: Some(why), ..Self::default() })
    }

    /// Compiles what the administrator wrote, or says what is wrong with it and where.
    fn compile(scheduling: &Scheduling) -> Result<Self, String> {
        let one = |field, text: &Option<String>| {
            text.as_deref().map(|text| Expression::compile(field, text)).transpose()
        };
        Ok(Self {
            filter: one("spec.scheduling.filter", &scheduling.filter)?,
            goodness: one("spec.scheduling.goodness", &scheduling.goodness)?,
            broken: None,
        })
    }

    /// Asks both about a small volume in every pool, so that what can never work is told when it is written.
    pub(crate) fn rehearse(&self, spec: &BackendSpec, report: &BackendReport) -> Result<(), String> {
        if let Some(why) = &self.broken {
            return Err(why.clone());
        }
        let request = VolumeRequest { csi_name: "a-volume".to_owned(), ..VolumeRequest::default() };
        for pool in &report.system.pools {
            let question = Question { spec, report, pool, request: &request, size: report.sizes.min };
            if self.filter.as_ref().is_none_or(|filter| !filter.asks_for_keys) {
                self.admits(&question)?;
            }
            if self.goodness.as_ref().is_none_or(|goodness| !goodness.asks_for_keys) {
                self.goodness(&question)?;
            }
        }
        Ok(())
    }

    /// Does the filter let the volume into the pool?
    pub(crate) fn admits(&self, question: &Question<'_>) -> Result<bool, String> {
        if let Some(why) = &self.broken {
            return Err(why.clone());
        }
        let Some(filter) = &self.filter else { return Ok(true) };
        match filter.ask(question)? {
            Value::Bool(admits) => Ok(admits),
            other => Err(filter.odd("true or false", &other)),
        }
    }

    /// How good the pool is, from 0 to 100.
    pub(crate) fn goodness(&self, question: &Question<'_>) -> Result<u8, String> {
        let Some(goodness) = &self.goodness else { return Ok(0) };
        let number = match goodness.ask(question)? {
            Value::Int(number) => number,
            Value::UInt(number) => i64::try_from(number).unwrap_or(i64::MAX),
            Value::Bool(good) => {
                if good {
                    100
                } else {
                    0
                }
            }
            Value::Float(number) if number.is_finite() => {
                #[expect(clippy::cast_possible_truncation, reason = "clamped to where nothing is cut")]
                let number = number.clamp(0.0, 100.0) as i64;
                number
            }
            other => return Err(goodness.odd("a number", &other)),
        };
        Ok(u8::try_from(number.clamp(0, 100)).unwrap_or(0))
    }
}

impl Expression {
    fn compile(field: &'static str, text: &str) -> Result<Self, String> {
        let wrong = |why: String| format!("{field}: {why}");
        bounds::of_text(text).map_err(wrong)?;
        // a parser's mistake about a hostile text must not end the process
        let program = std::panic::catch_unwind(|| Program::compile(text))
            .map_err(|_| wrong("is no expression".to_owned()))?
            .map_err(|error| wrong(format!("is no expression: {}", first_line(&error.to_string()))))?;
        bounds::of_tree(program.expression()).map_err(wrong)?;
        let references = program.references();
        let mut odd: Vec<&str> =
            references.variables().into_iter().filter(|name| !variables::NAMES.contains(name)).collect();
        odd.sort_unstable();
        if !odd.is_empty() {
            let known = variables::NAMES.join(", ");
            return Err(wrong(format!("knows no {}; there are {known}", odd.join(", "))));
        }
        let asks_for_keys = text.contains("labels") || text.contains("parameters");
        Ok(Self { field, program, asks_for_keys })
    }

    fn ask(&self, question: &Question<'_>) -> Result<Value, String> {
        let room = room(question.pool, question.spec.pool(&question.pool.name));
        let mut context = Context::default();
        for (name, value) in variables::all(question, room) {
            context.add_variable_from_value(name, value);
        }
        let answer =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.program.execute(&context)));
        match answer {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(format!("{}: {}", self.field, first_line(&error.to_string()))),
            Err(_) => Err(format!("{}: cannot be worked out", self.field)),
        }
    }

    fn odd(&self, wanted: &str, value: &Value) -> String {
        format!("{}: must come to {wanted}, and comes to a {}", self.field, value.type_of())
    }
}

/// Errors draw the expression with markers below it; in a condition there is room for the gist.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(256).collect()
}

#[cfg(test)]
mod tests;
