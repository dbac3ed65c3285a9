//! Which names are shown: those that contain what was typed.

use crate::app::form::Field;

/// Smart case: capital letters count only if one was typed.
#[derive(Debug, Default)]
pub struct Filter {
    pub field: Field,
    /// Keys go to the field.
    pub is_typing: bool,
}

impl Filter {
    pub fn is_active(&self) -> bool {
        !self.field.is_empty()
    }

    /// `lower` is the name in lower case.
    pub fn passes(&self, name: &str, lower: &str) -> bool {
        let wanted = self.field.value();
        if wanted.chars().any(char::is_uppercase) {
            name.contains(wanted)
        } else {
            lower.contains(wanted)
        }
    }

    pub fn clear(&mut self) {
        self.field.set("");
        self.is_typing = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_counts_only_if_a_capital_was_typed() {
        let mut filter = Filter::default();
        filter.field.set("film");
        assert!(filter.passes("public.Film", "public.film"));
        filter.field.set("Film");
        assert!(!filter.passes("public.film", "public.film"));
    }
}
