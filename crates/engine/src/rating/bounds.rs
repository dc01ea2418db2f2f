//! What an expression may be at most. Without loops and with a bounded text, working it out is bounded too.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr};

/// Characters; a filter that needs more is no filter.
const LENGTH: usize = 1024;

/// Brackets within brackets, and the like.
const DEPTH: usize = 32;

/// Signs in a row.
const SIGNS: usize = 8;

/// Before it is parsed.
pub(super) fn of_text(text: &str) -> Result<(), String> {
    if text.chars().count() > LENGTH {
        return Err(format!("is longer than {LENGTH} characters"));
    }
    let (mut depth, mut signs) = (0_usize, 0_usize);
    for char in text.chars() {
        match char {
            // each opens something that must be read to its end before the rest is
            '(' | '[' | '{' | '?' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match char {
            '!' | '-' => signs += 1,
            ' ' => {}
            _ => signs = 0,
        }
        if depth > DEPTH || signs > SIGNS {
            return Err(format!("is nested more than {DEPTH} deep"));
        }
    }
    Ok(())
}

/// Once it is parsed.
pub(super) fn of_tree(tree: &IdedExpr) -> Result<(), String> {
    match &tree.expr {
        Expr::Comprehension(_) => {
            Err("uses a loop (all, exists, exists_one, map or filter), which is not offered".to_owned())
        }
        Expr::Call(call) => {
            call.target.iter().try_for_each(|target| of_tree(target))?;
            call.args.iter().try_for_each(of_tree)
        }
        Expr::List(list) => list.elements.iter().try_for_each(of_tree),
        Expr::Select(select) => of_tree(&select.operand),
        Expr::Map(map) => map.entries.iter().try_for_each(|entry| of_entry(&entry.expr)),
        Expr::Struct(_) => Err("makes an object, which is not offered".to_owned()),
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Ok(()),
    }
}

fn of_entry(entry: &EntryExpr) -> Result<(), String> {
    match entry {
        EntryExpr::MapEntry(entry) => of_tree(&entry.key).and_then(|()| of_tree(&entry.value)),
        EntryExpr::StructField(field) => of_tree(&field.value),
    }
}
