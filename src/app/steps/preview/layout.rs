//! Where list and page stand and how much fits into them: scrolling and drawing must agree on it.

/// From so many columns on they stand side by side; below, SQL would be cut up too much.
pub const WIDE: u16 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub is_stacked: bool,
    /// The list's box: its height when stacked, its width when not.
    pub list_extent: u16,
    /// Inside the boxes.
    pub list_rows: usize,
    pub page_columns: usize,
    pub page_rows: usize,
}

impl Layout {
    /// `has_list`: without one the page has the whole body.
    pub fn new(size: (u16, u16), has_list: bool) -> Self {
        let body = size.1.saturating_sub(3);
        let is_stacked = size.0 < WIDE;
        let list_extent = match (has_list, is_stacked) {
            (false, _) => 0,
            (true, true) => (body * 2 / 5).max(5),
            (true, false) => u16::try_from(u32::from(size.0) * 45 / 100).unwrap_or(size.0),
        };
        let inside = |extent: u16, frame: u16| usize::from(extent.saturating_sub(frame));
        let (list_height, page_width, page_height) = if is_stacked {
            (list_extent, size.0, body.saturating_sub(list_extent))
        } else {
            (body, size.0.saturating_sub(list_extent), body)
        };
        Self {
            is_stacked,
            list_extent,
            list_rows: inside(list_height, 2),
            page_columns: inside(page_width, 4).max(1),
            page_rows: inside(page_height, 2),
        }
    }
}
