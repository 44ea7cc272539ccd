//! `admin.security`: which paths are served.
//!
//! A path is of one of three categories, by Linkerd's list and, for paths of our own, by what they do:
//! pages for people (`uiEnabled`), what changes something (`controlEnabled`), and everything else
//! (`diagnosticsEnabled`). What is refused is 404 with an empty body, as if it were not there.

use crate::config::SecurityConfig;

/// What a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Category {
    Ui,
    Control,
    Diagnostics,
}

impl Category {
    fn of(path: &str) -> Self {
        match path {
            "/"
            | "/config"
            | "/playground"
            | "/watches"
            | "/why-not"
            | "/config.json"
            | "/metrics.json"
            | "/admin/metrics.json"
            | "/admin/metrics"
            | "/delegator"
            | "/delegator.json"
            | "/logging"
            | "/help" => Category::Ui,
            path if ["/files/", "/admin/files/", "/assets/"]
                .iter()
                .any(|it| path.starts_with(it)) =>
            {
                Category::Ui
            }
            "/admin/shutdown" | "/admin/reload" | "/logging.json" => Category::Control,
            _ => Category::Diagnostics,
        }
    }
}

/// Whether a path is served: not if it is on the black list, and otherwise if its category is or it
/// is on the white list. Without the section everything is.
pub(super) fn admits(security: Option<&SecurityConfig>, path: &str) -> bool {
    let Some(security) = security else { return true };
    if security.refused.iter().any(|pattern| pattern.is_match(path)) {
        return false;
    }
    let enabled = match Category::of(path) {
        Category::Ui => security.ui,
        Category::Control => security.control,
        Category::Diagnostics => security.diagnostics,
    };
    enabled || security.allowed.iter().any(|pattern| pattern.is_match(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn security(ui: bool, control: bool, diagnostics: bool) -> SecurityConfig {
        let (allowed, refused) = (Vec::new(), Vec::new());
        SecurityConfig { ui, control, diagnostics, allowed, refused }
    }

    const PATHS: [&str; 14] = [
        "/",
        "/files/css/x.css",
        "/config.json",
        "/admin/metrics.json",
        "/delegator.json",
        "/admin/shutdown",
        "/admin/reload",
        "/logging.json",
        "/requests",
        "/admin/metrics/prometheus",
        "/namer_state/io.l5d.fs.json",
        "/clients.json",
        "/config.json/",
        "/files",
    ];

    fn served(security: &SecurityConfig) -> Vec<&'static str> {
        PATHS.into_iter().filter(|path| admits(Some(security), path)).collect()
    }

    #[test]
    fn every_path_is_of_one_category() {
        assert_eq!(served(&security(true, false, false)), PATHS[..5]);
        assert_eq!(served(&security(false, true, false)), PATHS[5..8]);
        assert_eq!(served(&security(false, false, true)), PATHS[8..]);
        assert!(PATHS.into_iter().all(|path| admits(None, path)));
    }

    #[test]
    fn the_black_list_is_over_the_white_list_and_the_white_list_over_categories() {
        let patterns = |texts: &[&str]| {
            texts.iter().map(|text| regex::Regex::new(&format!("^(?:{text})$")).unwrap()).collect()
        };
        let security = SecurityConfig {
            allowed: patterns(&["/admin/.*", "/requests"]),
            refused: patterns(&["/admin/shut.*"]),
            ..security(false, false, false)
        };
        assert_eq!(
            served(&security),
            ["/admin/metrics.json", "/admin/reload", "/requests", "/admin/metrics/prometheus"]
        );
    }
}
