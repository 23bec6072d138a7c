//! Tables as Markdown has them, and figures as people read them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// A table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these columns and no rows.
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|column| (*column).to_owned()).collect(), rows: Vec::new() }
    }

    /// One more row.
    pub(crate) fn row(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(cells.into());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(out, "| {} |", self.columns.join(" | "))?;
        // Figures stand on the right; the first column says what they are of.
        let sides = (0..self.columns.len()).map(|index| if index == 0 { "---" } else { "---:" });
        writeln!(out, "|{}|", sides.collect::<Vec<_>>().join("|"))?;
        self.rows.iter().try_for_each(|row| writeln!(out, "| {} |", row.join(" | ")))
    }
}

/// A whole number with its thousands parted.
pub(crate) fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A ratio, exact to where it says something.
pub(crate) fn ratio(value: f64) -> String {
    if value < 0.1 {
        format!("{value:.3}")
    } else if value < 10.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.0}")
    }
}

/// A time.
pub(crate) fn time(value: Duration) -> String {
    let microseconds = value.as_secs_f64() * 1e6;
    let mut text = String::new();
    // A `String` takes everything.
    let _ = match microseconds {
        short if short < 1_000.0 => write!(text, "{short:.0} µs"),
        middle if middle < 100_000.0 => write!(text, "{:.1} ms", middle / 1e3),
        long if long < 1e6 => write!(text, "{:.0} ms", long / 1e3),
        long => write!(text, "{:.1} s", long / 1e6),
    };
    text
}

/// How many calls failed and how, or that none did.
pub(crate) fn failed(failed: &BTreeMap<i32, u64>) -> String {
    if failed.is_empty() {
        return "0".to_owned();
    }
    let each = failed.iter().map(|(status, times)| format!("**{times} × status {status}**"));
    each.collect::<Vec<_>>().join(", ")
}

/// An amount of memory.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", crate::tally::float(bytes) / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        assert_eq!([0.0, 999.4, 12_345.0, 1_234_567.0].map(whole), ["0", "999", "12,345", "1,234,567"]);
        assert_eq!([0.0451, 0.834, 12.3].map(ratio), ["0.045", "0.83", "12"]);
        let times =
            [Duration::from_micros(84), Duration::from_micros(8_400), Duration::from_millis(840), Duration::from_secs(8)];
        assert_eq!(times.map(time), ["84 µs", "8.4 ms", "840 ms", "8.0 s"]);
    }

    #[test]
    fn a_table_is_one_of_markdown() {
        let mut table = Table::new(&["call", "ratio"]);
        table.row(["GetUser".to_owned(), "0.83".to_owned()]);
        assert_eq!(table.to_string(), "| call | ratio |\n|---|---:|\n| GetUser | 0.83 |\n");
    }
}
