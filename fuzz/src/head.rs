//! The head of an HTTP request, parsed as simply as possible.

/// The first line, and the headers in lower case.
pub(crate) struct Head<'a> {
    pub(crate) first: &'a str,
    headers: Vec<(String, String)>,
}

impl<'a> Head<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let mut lines = text.trim_start().lines();
        let first = lines.next().unwrap_or_default();
        let headers = lines
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_ascii_lowercase()))
            .collect();
        Self { first, headers }
    }

    pub(crate) fn values(&self, wanted: &str) -> Vec<&str> {
        let of_name = self.headers.iter().filter(|(name, _)| name == wanted);
        of_name.map(|(_, value)| value.as_str()).collect()
    }

    /// Returns whether it names this machine and this port, once.
    pub(crate) fn is_for(&self, port: u16) -> bool {
        let own_names = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}"));
        let host = self.values("host");
        own_names.iter().any(|name| host == [name.as_str()])
    }
}
