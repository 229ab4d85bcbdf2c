//! Aligns two streams: the longest common subsequence of their keys.

use super::streams::Event;

/// Two aligned events. An event without a counterpart is alone.
pub type Pair<'a> = (Option<&'a Event>, Option<&'a Event>);

/// Aligns the events of two streams in order, as many as possible.
#[must_use]
pub fn align<'a>(theirs: &'a [Event], ours: &'a [Event]) -> Vec<Pair<'a>> {
    let mut common = vec![vec![0_usize; ours.len() + 1]; theirs.len() + 1];
    for (row, their) in theirs.iter().enumerate().rev() {
        for (column, our) in ours.iter().enumerate().rev() {
            common[row][column] = if their.key == our.key {
                common[row + 1][column + 1] + 1
            } else {
                common[row + 1][column].max(common[row][column + 1])
            };
        }
    }
    let (mut row, mut column, mut pairs) = (0, 0, Vec::new());
    loop {
        match (theirs.get(row), ours.get(column)) {
            (None, None) => return pairs,
            (Some(their), Some(our)) if their.key == our.key => {
                pairs.push((Some(their), Some(our)));
                (row, column) = (row + 1, column + 1);
            }
            (Some(their), our)
                if our.is_none() || common[row + 1][column] >= common[row][column + 1] =>
            {
                pairs.push((Some(their), None));
                row += 1;
            }
            (_, our) => {
                pairs.push((None, our));
                column += 1;
            }
        }
    }
}
