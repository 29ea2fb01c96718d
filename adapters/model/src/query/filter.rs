//! Parses and checks filters. Evaluation is `eval.rs`; what the operators mean is in the module's documentation.

use super::eval::Bound;
use super::lexer::{Fault, Lexer, Parsed};
use super::names::{KEY, Names};
use super::paths::Paths;
use super::schema::{Place, Table, Target};
use crate::error::Result;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many bytes all `filter` parameters of one query may have together.
pub const MAX_TEXT: usize = 4096;
/// How many expressions one query or subscription may have.
pub const MAX_EXPRESSIONS: usize = 32;
/// How many values one expression may have.
pub const MAX_VALUES: usize = 64;

const PARAMETER: &str = "filter";

/// The operators, in the order of the specification's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operator {
    Eq,
    Neq,
    Gt,
    Lt,
    Gte,
    Lte,
    In,
    Nin,
    Cont,
    Ncont,
}

impl Operator {
    const ALL: [(&'static str, Self); 10] = [
        ("eq", Self::Eq),
        ("neq", Self::Neq),
        ("gt", Self::Gt),
        ("lt", Self::Lt),
        ("gte", Self::Gte),
        ("lte", Self::Lte),
        ("in", Self::In),
        ("nin", Self::Nin),
        ("cont", Self::Cont),
        ("ncont", Self::Ncont),
    ];

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, operator)| operator)
    }

    fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, operator)| *operator == self).map_or("", |(name, _)| name)
    }

    fn takes_many(self) -> bool {
        matches!(self, Self::In | Self::Nin | Self::Cont | Self::Ncont)
    }

    /// Tells whether it holds where there is no value to compare.
    pub(super) fn is_negative(self) -> bool {
        matches!(self, Self::Neq | Self::Nin | Self::Ncont)
    }
}

/// One expression as written, before its attribute is looked up.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    pub(super) operator: Operator,
    pub(super) names: Names,
    pub(super) values: Vec<String>,
    /// Where the first value stands.
    pub(super) values_at: usize,
}

impl Raw {
    /// Reads one expression with its parentheses.
    pub(super) fn parse(lexer: &mut Lexer<'_>, max_depth: usize) -> Parsed<Self> {
        lexer.expect(b'(', "an expression must start with a parenthesis")?;
        let at = lexer.at();
        let operator = Operator::parse(lexer.word()).ok_or(Fault::new(
            at,
            "the operator must be one of eq, neq, gt, lt, gte, lte, in, nin, cont, ncont",
        ))?;
        lexer.expect(b',', "an attribute must follow the operator")?;
        let at = lexer.at();
        let names = Names::parse(lexer.word(), at, max_depth)?;
        let mut values_at = lexer.at();
        lexer.expect(b',', "a value must follow the attribute")?;
        values_at += 1;
        let mut values = vec![lexer.value()?];
        while !lexer.eat(b')') {
            let at = lexer.at();
            lexer.expect(b',', "a closing parenthesis is missing")?;
            if !operator.takes_many() {
                return Err(Fault::new(at, "the operator takes one value"));
            }
            if values.len() == MAX_VALUES {
                return Err(Fault::new(at, "the expression has too many values"));
            }
            values.push(lexer.value()?);
        }
        if operator.takes_many() {
            values.sort_unstable();
            values.dedup();
        }
        Ok(Self { operator, names, values, values_at })
    }

    /// Looks the attribute up in every table and makes an expression that can be bound.
    pub(super) fn check<'t>(
        self,
        tables: impl IntoIterator<Item = &'t &'static Table>,
    ) -> Parsed<Expression> {
        let mut arrays = BTreeSet::new();
        for table in tables {
            let found = self.names.find(table)?;
            let fault = match found.place {
                Place::Table(_) => Some("the attribute is an object; name one of its attributes"),
                Place::Map if self.names.key().is_none() => {
                    Some("the attribute is a map; name one of its keys")
                }
                Place::Map | Place::Free | Place::Leaf => None,
            };
            if let Some(reason) = fault {
                return Err(Fault::new(self.names.at(), reason));
            }
            arrays.extend(found.arrays);
        }
        Ok(Expression {
            path: self.names.whole(),
            key: self.names.key().is_some(),
            operator: self.operator,
            values: self.values,
            arrays: arrays.into_iter().map(|count| self.names.path(count)).collect(),
        })
    }
}

/// One checked expression. Ordered, so that equal filters have one spelling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Expression {
    /// The path without `@key`, as the index spells it.
    pub(super) path: String,
    /// Whether the keys of the map at `path` are meant.
    pub(super) key: bool,
    pub(super) operator: Operator,
    /// At least one; sorted and without repetition where there may be several.
    pub(super) values: Vec<String>,
    /// The paths on the way, the whole one included, that may be arrays of objects; the outermost first.
    pub(super) arrays: Vec<String>,
}

impl Expression {
    /// Writes the expression in its canonical spelling.
    pub(super) fn write(&self, out: &mut String) {
        out.push('(');
        out.push_str(self.operator.name());
        out.push(',');
        out.push_str(&self.path);
        if self.key {
            out.push('/');
            out.push_str(KEY);
        }
        for value in &self.values {
            out.push(',');
            write_value(value, out);
        }
        out.push(')');
    }
}

/// Writes a value, in quotes if it needs them.
pub(super) fn write_value(value: &str, out: &mut String) {
    if value.contains([',', ')']) || value.starts_with('\'') {
        out.push('\'');
        out.push_str(&value.replace('\'', "''"));
        out.push('\'');
    } else {
        out.push_str(value);
    }
}

/// Writes expressions joined by `;`.
pub(super) fn write_all(expressions: &[Expression]) -> String {
    let mut out = String::new();
    for expression in expressions {
        if !out.is_empty() {
            out.push(';');
        }
        expression.write(&mut out);
    }
    out
}

/// A filter that was parsed and checked: the expressions that must all hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    expressions: Arc<[Expression]>,
    canonical: Arc<str>,
}

impl Filter {
    /// Parses the values of all `filter` parameters; `None` if there are none or all are empty.
    ///
    /// `max_depth` is how many names an attribute may have.
    ///
    /// # Errors
    /// `Invalid`, naming `filter` and the byte: bad syntax, operator or number of values, an attribute that does not exist
    /// or is an object, nesting beyond `max_depth`, or more than [`MAX_TEXT`] bytes, [`MAX_EXPRESSIONS`] or [`MAX_VALUES`].
    pub fn parse<'a>(
        target: Target,
        texts: impl IntoIterator<Item = &'a str>,
        max_depth: usize,
    ) -> Result<Option<Self>> {
        let mut expressions = Vec::new();
        let mut left = MAX_TEXT;
        for text in texts {
            let parsed = parse_text(target, text, max_depth, &mut left, &mut expressions);
            parsed.map_err(|fault| fault.into_error(PARAMETER))?;
        }
        if expressions.is_empty() {
            return Ok(None);
        }
        expressions.sort_unstable();
        expressions.dedup();
        let canonical = write_all(&expressions);
        if canonical.len() > MAX_TEXT {
            return Err(too_long(0).into_error(PARAMETER));
        }
        Ok(Some(Self { expressions: expressions.into(), canonical: canonical.into() }))
    }

    /// Returns the one spelling that filters with the same expressions share.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Prepares the filter for objects that were indexed with `paths`.
    pub fn bind(&self, paths: &Paths) -> Bound {
        Bound::new(Arc::clone(&self.expressions), paths)
    }
}

/// Refuses a text of more than [`MAX_TEXT`] bytes, as sent or in its canonical spelling, which is longer where quotes that
/// should have been doubled were not: what was taken can be stored and read again.
pub(super) fn too_long(at: usize) -> Fault {
    Fault::new(at, "the filter is too long")
}

fn parse_text(
    target: Target,
    text: &str,
    max_depth: usize,
    left: &mut usize,
    expressions: &mut Vec<Expression>,
) -> Parsed<()> {
    *left = left.checked_sub(text.len()).ok_or(too_long(*left))?;
    if text.is_empty() {
        return Ok(());
    }
    let mut lexer = Lexer::new(text);
    loop {
        let at = lexer.at();
        let expression = Raw::parse(&mut lexer, max_depth)?.check(&[target.table()])?;
        if expressions.len() == MAX_EXPRESSIONS {
            return Err(Fault::new(at, "the filter has too many expressions"));
        }
        expressions.push(expression);
        if lexer.is_done() {
            return Ok(());
        }
        lexer.expect(b';', "expressions must be joined by a semicolon")?;
    }
}

#[cfg(test)]
mod tests;
