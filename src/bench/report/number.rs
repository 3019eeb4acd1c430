//! Numbers as people read them.

/// Three significant digits, thousands apart: `0.0123`, `1.23`, `123`, `12,345`.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "–".to_owned();
    }
    match size {
        0.0 => "0".to_owned(),
        _ if size >= 999.5 => thousands(value),
        _ if size >= 99.95 => format!("{value:.0}"),
        _ if size >= 9.995 => format!("{value:.1}"),
        _ if size >= 0.9995 => format!("{value:.2}"),
        _ if size >= 0.09995 => format!("{value:.3}"),
        _ if size >= 0.009_995 => format!("{value:.4}"),
        _ if size >= 0.000_999_5 => format!("{value:.5}"),
        _ => format!("{value:.1e}"),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut out = String::new();
    if value < 0.0 {
        out.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_have_three_digits_that_matter() {
        for (value, shown) in [
            (0.0, "0"),
            (1.0, "1.00"),
            (0.001234, "0.00123"),
            (0.0999999, "0.100"),
            (9.999, "10.0"),
            (99.99, "100"),
            (999.6, "1,000"),
            (-1234567.8, "-1,234,568"),
            (0.00001234, "1.2e-5"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(number(value), shown);
        }
    }
}
