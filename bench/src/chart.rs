//! The ratios as bars, beside those of other systems: an SVG that can be read on light and on dark.

use std::fmt::Write;

use crate::cases::BUSY;
use crate::markdown::ratio;
use crate::rounds::Row;

/// What others reached of a bare tonic server, measured beside one another on another occasion: two cores, 256 in flight, 10,000 users.
const OTHERS: &[(&str, f64, f64)] = &[
    ("OpenLDAP, without a key check", 0.49, 0.54),
    ("Rauthy, from its cache in memory", 0.27, 0.31),
    ("SpiceDB", 0.11, 0.11),
    ("matrix-authentication-service", 0.045, 0.045),
    ("Kratos", 0.038, 0.038),
    ("Keycloak", 0.025, 0.025),
    ("LLDAP", 0.016, 0.016),
];
/// The calls that are shown.
const SHOWN: &[&str] = &["get-user", "user-exists"];

/// Where things stand, in pixels.
const WIDTH: f64 = 800.0;
const LEFT: f64 = 330.0;
const SCALE: f64 = 400.0;
const TOP: f64 = 56.0;
const LINE: f64 = 26.0;
const BAR: f64 = 16.0;

const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600 } .ours { fill: #2f6fde } .others { fill: #8c959f } \
.span { fill: #57606a } .axis { stroke: #8c959f; stroke-width: 1 } .none { fill: none } \
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ours { fill: #6ea8fe } .others { fill: #6e7681 } .span { fill: #9ea7b1 } }";

/// A bar: from nothing to the ratio, or, where one is known that is higher, with a lighter end.
struct Bar {
    label: String,
    class: &'static str,
    least: f64,
    most: f64,
}

/// The chart; `None`: nothing that it shows was measured.
pub(crate) fn draw(rows: &[Row]) -> Option<String> {
    let shown = rows.iter().filter(|row| row.shape == BUSY && SHOWN.contains(&row.case.name));
    let ours = shown.flat_map(|row| row.figures.iter().map(move |figures| (row, figures)));
    let ours = ours.filter_map(|(row, figures)| {
        let (engine, ratio) = (figures.engine?, figures.ratio?);
        Some(Bar { label: format!("Roster on {engine}, {}", row.case.title), class: "ours", least: ratio, most: ratio })
    });
    let mut bars: Vec<_> = ours.collect();
    if bars.is_empty() {
        return None;
    }
    let others =
        OTHERS.iter().map(|(name, least, most)| Bar { label: (*name).to_owned(), class: "others", least: *least, most: *most });
    bars.extend(others);
    Some(svg(&bars))
}

fn svg(bars: &[Bar]) -> String {
    let bottom = TOP + LINE * crate::tally::float(bars.len() as u64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{}\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\">\n\
         <title>Calls a second as a share of a bare tonic server's</title>\n<style>{STYLE}</style>\n\
         <text class=\"title\" x=\"10\" y=\"24\">Calls a second as a share of a bare tonic server's, 8 × 32 in flight</text>\n",
        bottom + 34.0,
        bottom + 34.0
    );
    for (index, bar) in bars.iter().enumerate() {
        let y = TOP + LINE * crate::tally::float(index as u64);
        let (least, most) = (bar.least.min(1.1) * SCALE, bar.most.min(1.1) * SCALE);
        let figure =
            if bar.least < bar.most { format!("{}–{}", ratio(bar.least), ratio(bar.most)) } else { ratio(bar.least) };
        // A `String` takes everything.
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <rect class=\"{}\" x=\"{LEFT}\" y=\"{y}\" width=\"{least:.1}\" height=\"{BAR}\"/>\
             <rect class=\"span\" x=\"{:.1}\" y=\"{y}\" width=\"{:.1}\" height=\"{BAR}\"/>\
             <text x=\"{:.1}\" y=\"{}\">{figure}</text>",
            LEFT - 8.0,
            y + 13.0,
            bar.label,
            bar.class,
            LEFT + least,
            most - least,
            LEFT + most + 6.0,
            y + 13.0,
        );
    }
    for mark in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let x = LEFT + mark * SCALE;
        let _ = writeln!(
            svg,
            "<line class=\"axis\" x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{bottom}\" stroke-dasharray=\"2 4\"/>\
             <text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{mark}</text>",
            TOP - 8.0,
            bottom + 20.0
        );
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_ratio() {
        let bar = Bar { label: "Roster".to_owned(), class: "ours", least: 0.5, most: 0.5 };
        let svg = svg(&[bar]);
        assert!(svg.contains("class=\"ours\" x=\"330\" y=\"56\" width=\"200.0\""), "{svg}");
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }

    #[test]
    fn without_figures_there_is_no_chart() {
        assert!(draw(&[]).is_none());
    }
}
