//! Columns of text, in the manner of kubectl.

/// A table that grows row by row.
#[derive(Debug)]
pub(crate) struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(header: &[&'static str]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new() }
    }

    /// Missing cells are empty; what is empty is shown as a dash, so that columns can be cut by blanks.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> =
            cells.into_iter().map(|cell| if cell.is_empty() { "-".to_owned() } else { cell }).collect();
        cells.resize(self.header.len(), "-".to_owned());
        self.rows.push(cells);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn sort(&mut self) {
        self.rows.sort();
    }

    /// The text, with a line end after each row.
    pub(crate) fn text(&self) -> String {
        let header: Vec<String> = self.header.iter().map(|cell| (*cell).to_owned()).collect();
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&header]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..header.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            format!("{}\n", cells.collect::<Vec<_>>().join("   ").trim_end())
        };
        [&header].into_iter().chain(&self.rows).map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_line_up_and_nothing_is_left_blank() {
        let mut table = Table::new(&["NAME", "WHY"]);
        table.row(["größer".to_owned(), String::new()]);
        table.row(["a".to_owned(), "b c".to_owned()]);
        assert_eq!(table.text(), "NAME     WHY\ngrößer   -\na        b c\n");
    }
}
