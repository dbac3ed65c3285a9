//! A share as a bar, and figures over time as a row of small columns.

use crate::ui::theme::Theme;

/// `████░░░░`, exactly `columns` wide. Full only at 100.
pub fn bar(percent: u8, columns: usize, theme: &Theme) -> String {
    let full = columns * usize::from(percent.min(100)) / 100;
    let empty = columns - full;
    theme.glyphs.bar_full.repeat(full) + &theme.glyphs.bar_empty.repeat(empty)
}

/// The last values that fit, the newest at the right; the highest of them is a whole column.
pub fn sparkline<'a>(
    values: impl DoubleEndedIterator<Item = &'a u64>,
    columns: usize,
    theme: &Theme,
) -> String {
    const UNICODE: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const ASCII: [char; 8] = ['_', '.', ',', '-', '=', '+', '*', '#'];
    let levels = if theme.glyphs.is_ascii {
        ASCII
    } else {
        UNICODE
    };
    let mut last: Vec<u64> = values.rev().take(columns).copied().collect();
    last.reverse();
    let highest = last.iter().copied().max().unwrap_or(0).max(1);
    last.into_iter()
        .map(|value| {
            let level = u128::from(value) * 7 / u128::from(highest);
            let level = usize::try_from(level).unwrap_or(0);
            levels.get(level).copied().unwrap_or(' ')
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_only_at_the_end() {
        let theme = Theme::new(false, true);
        assert_eq!(bar(99, 10, &theme), "#########.");
        assert_eq!(bar(100, 3, &theme), "###");
        assert_eq!(bar(50, 0, &theme), "");
    }

    #[test]
    fn the_newest_values_stand_at_the_right() {
        let theme = Theme::new(false, true);
        assert_eq!(sparkline([9, 0, 7, u64::MAX].iter(), 3, &theme), "__#");
        assert_eq!(sparkline([0, 0].iter(), 5, &theme), "__");
    }
}
