//! The first rows of a table, for a look at them.

/// As the source wrote them: whoever shows them makes them harmless.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peek {
    pub columns: Vec<String>,
    /// In the order of the columns; none is null.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Peek {
    /// Rows that are asked for at most.
    pub const ROWS: usize = 50;
    /// Characters of a value that are asked for at most; one more tells that there are more.
    pub const CHARACTERS: usize = 200;
    /// How long the source may look for them.
    pub const SECONDS: u32 = 10;
}
