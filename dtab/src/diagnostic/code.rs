//! The kinds of findings.

use std::fmt;

use crate::lint::Rule;

/// The kind of a finding. Its name is stable: scripts and editors may rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Code {
    /// `unexpected-text`: Something stands where the grammar has no place for it, and nothing more can be said of it.
    UnexpectedText,
    /// `missing-arrow`: An entry is a prefix, `=>`, and what the prefix becomes.
    MissingArrow,
    /// `single-equals`: The arrow of an entry is `=>`; a `=` alone is none.
    SingleEquals,
    /// `wrong-arrow`: The arrow of an entry is written `=>`, with nothing in between.
    WrongArrow,
    /// `second-arrow`: An entry has one arrow.
    SecondArrow,
    /// `missing-semicolon`: Entries are separated by `;`.
    MissingSemicolon,
    /// `leading-semicolon`: A `;` ends an entry, so a table cannot begin with one.
    LeadingSemicolon,
    /// `doubled-semicolon`: A `;` ends an entry, so two of them need an entry in between.
    DoubledSemicolon,
    /// `missing-prefix`: An entry begins with its prefix, the path that names must begin with for the entry to apply.
    MissingPrefix,
    /// `missing-destination`: Something must follow the arrow.
    MissingDestination,
    /// `missing-path`: A path is wanted, and the text holds none.
    MissingPath,
    /// `path-without-slash`: Every path begins with `/`.
    PathWithoutSlash,
    /// `empty-label`: A label holds at least one character, so `//` cannot stand in a path.
    EmptyLabel,
    /// `trailing-slash`: A path does not end in `/`, except for the empty path `/` itself.
    TrailingSlash,
    /// `bad-character`: Labels hold letters, digits and `_ : .
    BadCharacter,
    /// `space-in-path`: White space ends a path.
    SpaceInPath,
    /// `non-breaking-space`: The text holds a character that looks like a space, or like nothing, and is not read as one: a non-breaking space, a zero-width space, or a byte order mark.
    NonBreakingSpace,
    /// `quotation-mark`: Paths are written without quotation marks.
    QuotationMark,
    /// `slash-comment`: Comments begin with `#` and go to the end of the line.
    SlashComment,
    /// `bad-escape`: The only escape is `\xNN` with two hexadecimal digits, which is the byte of that number.
    BadEscape,
    /// `wildcard-in-destination`: `*` stands for any label in the prefix of an entry.
    WildcardInDestination,
    /// `wildcard-part-of-label`: `*` stands for one whole label; it cannot be a part of one.
    WildcardPartOfLabel,
    /// `bad-weight`: The weight before a `*` is digits with at most one dot: `3`, `0.25`, `.5`.
    BadWeight,
    /// `negative-weight`: A weight is a share of the requests and cannot be below zero.
    NegativeWeight,
    /// `weight-without-star`: A `*` stands between a weight and what it is the weight of.
    WeightWithoutStar,
    /// `weight-after-destination`: The weight comes first, then `*`, then what it is the weight of.
    WeightAfterDestination,
    /// `missing-operand`: `|` and `&` stand between two destinations, and a weight before one.
    MissingOperand,
    /// `missing-operator`: Between two destinations stands `|` (the second is the fallback of the first) or `&` (both get a share of the requests).
    MissingOperator,
    /// `unexpected-operator`: `|` and `&` choose between destinations.
    UnexpectedOperator,
    /// `empty-parentheses`: Parentheses hold a destination.
    EmptyParentheses,
    /// `unclosed-parenthesis`: Every `(` needs a `)` in the same entry.
    UnclosedParenthesis,
    /// `unexpected-parenthesis`: A `)` needs a `(` before it in the same entry, and prefixes have no parentheses.
    UnexpectedParenthesis,
    /// `doubled-constant`: `~`, `!` and `$` each stand alone; two in a row mean no more than one.
    DoubledConstant,
    /// `comma-between-entries`: Entries are separated by `;`, not by commas.
    CommaBetweenEntries,
    /// `comma-between-destinations`: Destinations are not listed with commas: `|` makes the next one a fallback, `&` shares the requests.
    CommaBetweenDestinations,
    /// `too-deep`: Parentheses may be nested at most 100 deep.
    TooDeep,
    /// `too-many-errors`: The text holds so many mistakes that the rest of it was not looked at.
    TooManyErrors,
    /// `unreachable-dentry`: No name comes to the entry.
    UnreachableDentry,
    /// `unused-fallback`: A branch stands behind one that is never negative.
    UnusedFallback,
    /// `dead-branch`: A path that no entry matches.
    DeadBranch,
    /// `cycle`: A name that becomes itself again.
    Cycle,
    /// `unknown-namer`: There is no such namer or built-in name.
    UnknownNamer,
    /// `namer-refuses`: A built-in name that is not written as it must be.
    NamerRefuses,
    /// `prefix-cannot-match`: A prefix that names do not have.
    PrefixCannotMatch,
    /// `weight-sum`: Weights that do not add up to what they seem to.
    WeightSum,
    /// `zero-weight`: A branch without a share.
    ZeroWeight,
    /// `duplicate-dentry`: An entry that stands in the table again.
    DuplicateDentry,
    /// `only-negative`: An entry of nothing but `~` and `!`.
    OnlyNegative,
    /// `bad-allow`: A comment that allows nothing.
    BadAllow,
}

impl Code {
    /// Every kind.
    pub const ALL: &'static [Code] = &[
        Code::UnexpectedText,
        Code::MissingArrow,
        Code::SingleEquals,
        Code::WrongArrow,
        Code::SecondArrow,
        Code::MissingSemicolon,
        Code::LeadingSemicolon,
        Code::DoubledSemicolon,
        Code::MissingPrefix,
        Code::MissingDestination,
        Code::MissingPath,
        Code::PathWithoutSlash,
        Code::EmptyLabel,
        Code::TrailingSlash,
        Code::BadCharacter,
        Code::SpaceInPath,
        Code::NonBreakingSpace,
        Code::QuotationMark,
        Code::SlashComment,
        Code::BadEscape,
        Code::WildcardInDestination,
        Code::WildcardPartOfLabel,
        Code::BadWeight,
        Code::NegativeWeight,
        Code::WeightWithoutStar,
        Code::WeightAfterDestination,
        Code::MissingOperand,
        Code::MissingOperator,
        Code::UnexpectedOperator,
        Code::EmptyParentheses,
        Code::UnclosedParenthesis,
        Code::UnexpectedParenthesis,
        Code::DoubledConstant,
        Code::CommaBetweenEntries,
        Code::CommaBetweenDestinations,
        Code::TooDeep,
        Code::TooManyErrors,
        Code::UnreachableDentry,
        Code::UnusedFallback,
        Code::DeadBranch,
        Code::Cycle,
        Code::UnknownNamer,
        Code::NamerRefuses,
        Code::PrefixCannotMatch,
        Code::WeightSum,
        Code::ZeroWeight,
        Code::DuplicateDentry,
        Code::OnlyNegative,
        Code::BadAllow,
    ];

    /// The stable name, such as `missing-arrow`.
    pub fn name(self) -> &'static str {
        match self {
            Code::UnexpectedText => "unexpected-text",
            Code::MissingArrow => "missing-arrow",
            Code::SingleEquals => "single-equals",
            Code::WrongArrow => "wrong-arrow",
            Code::SecondArrow => "second-arrow",
            Code::MissingSemicolon => "missing-semicolon",
            Code::LeadingSemicolon => "leading-semicolon",
            Code::DoubledSemicolon => "doubled-semicolon",
            Code::MissingPrefix => "missing-prefix",
            Code::MissingDestination => "missing-destination",
            Code::MissingPath => "missing-path",
            Code::PathWithoutSlash => "path-without-slash",
            Code::EmptyLabel => "empty-label",
            Code::TrailingSlash => "trailing-slash",
            Code::BadCharacter => "bad-character",
            Code::SpaceInPath => "space-in-path",
            Code::NonBreakingSpace => "non-breaking-space",
            Code::QuotationMark => "quotation-mark",
            Code::SlashComment => "slash-comment",
            Code::BadEscape => "bad-escape",
            Code::WildcardInDestination => "wildcard-in-destination",
            Code::WildcardPartOfLabel => "wildcard-part-of-label",
            Code::BadWeight => "bad-weight",
            Code::NegativeWeight => "negative-weight",
            Code::WeightWithoutStar => "weight-without-star",
            Code::WeightAfterDestination => "weight-after-destination",
            Code::MissingOperand => "missing-operand",
            Code::MissingOperator => "missing-operator",
            Code::UnexpectedOperator => "unexpected-operator",
            Code::EmptyParentheses => "empty-parentheses",
            Code::UnclosedParenthesis => "unclosed-parenthesis",
            Code::UnexpectedParenthesis => "unexpected-parenthesis",
            Code::DoubledConstant => "doubled-constant",
            Code::CommaBetweenEntries => "comma-between-entries",
            Code::CommaBetweenDestinations => "comma-between-destinations",
            Code::TooDeep => "too-deep",
            Code::TooManyErrors => "too-many-errors",
            Code::UnreachableDentry => "unreachable-dentry",
            Code::UnusedFallback => "unused-fallback",
            Code::DeadBranch => "dead-branch",
            Code::Cycle => "cycle",
            Code::UnknownNamer => "unknown-namer",
            Code::NamerRefuses => "namer-refuses",
            Code::PrefixCannotMatch => "prefix-cannot-match",
            Code::WeightSum => "weight-sum",
            Code::ZeroWeight => "zero-weight",
            Code::DuplicateDentry => "duplicate-dentry",
            Code::OnlyNegative => "only-negative",
            Code::BadAllow => "bad-allow",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name() == name)
    }

    /// The rule behind the finding in one paragraph, then a text that breaks it and one that does
    /// not.
    pub fn explain(self) -> String {
        let rule = self.rule();
        let indented = |text: &str| text.replace('\n', "\n    ");
        match self.examples() {
            Some(("", good)) => {
                format!("{rule}\n\nWrite:\n    {}\n", indented(good))
            }
            Some((bad, good)) => {
                format!("{rule}\n\nNot:\n    {}\nWrite:\n    {}\n", indented(bad), indented(good))
            }
            None => format!("{rule}\n"),
        }
    }

    /// The rule behind the finding.
    pub fn rule(self) -> &'static str {
        if let Some(rule) = Rule::of(self) {
            return rule.rule;
        }
        match self {
            Code::UnexpectedText => {
                "Something stands where the grammar has no place for it, and nothing more can \
                 be said of it."
            }
            Code::MissingArrow => {
                "An entry is a prefix, `=>`, and what the prefix becomes. Here the arrow is \
                 missing."
            }
            Code::SingleEquals => "The arrow of an entry is `=>`; a `=` alone is none.",
            Code::WrongArrow => {
                "The arrow of an entry is written `=>`, with nothing in between. Other arrows \
                 (`->`, `==>`, `= >`, `:=`) are not read."
            }
            Code::SecondArrow => {
                "An entry has one arrow. A second one means that a `;` is missing before, or \
                 that a fallback was meant, which `|` makes."
            }
            Code::MissingSemicolon => {
                "Entries are separated by `;`. A new line alone does not end an entry."
            }
            Code::LeadingSemicolon => "A `;` ends an entry, so a table cannot begin with one.",
            Code::DoubledSemicolon => {
                "A `;` ends an entry, so two of them need an entry in between."
            }
            Code::MissingPrefix => {
                "An entry begins with its prefix, the path that names must begin with for the \
                 entry to apply. The prefix of all names is `/`."
            }
            Code::MissingDestination => {
                "Something must follow the arrow. What becomes nothing on purpose is written \
                 `~` (look elsewhere), `!` (fail) or `$` (empty)."
            }
            Code::MissingPath => {
                "A path is wanted, and the text holds none. The empty path is `/`."
            }
            Code::PathWithoutSlash => "Every path begins with `/`.",
            Code::EmptyLabel => {
                "A label holds at least one character, so `//` cannot stand in a path."
            }
            Code::TrailingSlash => {
                "A path does not end in `/`, except for the empty path `/` itself."
            }
            Code::BadCharacter => {
                "Labels hold letters, digits and `_ : . # $ % -`. Any other byte is written \
                 `\\xNN`, where NN is its hexadecimal number."
            }
            Code::SpaceInPath => {
                "White space ends a path. A space that belongs to a label is written `\\x20`."
            }
            Code::NonBreakingSpace => {
                "The text holds a character that looks like a space, or like nothing, and is \
                 not read as one: a non-breaking space, a zero-width space, or a byte order \
                 mark. They come along when text is copied from a web page or a word \
                 processor."
            }
            Code::QuotationMark => "Paths are written without quotation marks.",
            Code::SlashComment => "Comments begin with `#` and go to the end of the line.",
            Code::BadEscape => {
                "The only escape is `\\xNN` with two hexadecimal digits, which is the byte of \
                 that number. A backslash itself is `\\x5c`."
            }
            Code::WildcardInDestination => {
                "`*` stands for any label in the prefix of an entry. Its match cannot be used \
                 on the right: what follows the prefix is added to every destination, what \
                 matched `*` is dropped."
            }
            Code::WildcardPartOfLabel => {
                "`*` stands for one whole label; it cannot be a part of one."
            }
            Code::BadWeight => {
                "The weight before a `*` is digits with at most one dot: `3`, `0.25`, `.5`. \
                 It has no sign, exponent, percent sign or decimal comma."
            }
            Code::NegativeWeight => {
                "A weight is a share of the requests and cannot be below zero. `0` sends \
                 none."
            }
            Code::WeightWithoutStar => {
                "A `*` stands between a weight and what it is the weight of."
            }
            Code::WeightAfterDestination => {
                "The weight comes first, then `*`, then what it is the weight of."
            }
            Code::MissingOperand => {
                "`|` and `&` stand between two destinations, and a weight before one."
            }
            Code::MissingOperator => {
                "Between two destinations stands `|` (the second is the fallback of the \
                 first) or `&` (both get a share of the requests)."
            }
            Code::UnexpectedOperator => {
                "`|` and `&` choose between destinations. They cannot stand in a prefix, nor \
                 begin an entry."
            }
            Code::EmptyParentheses => {
                "Parentheses hold a destination. Nothing is written `~` (look elsewhere), `!` \
                 (fail) or `$` (empty)."
            }
            Code::UnclosedParenthesis => "Every `(` needs a `)` in the same entry.",
            Code::UnexpectedParenthesis => {
                "A `)` needs a `(` before it in the same entry, and prefixes have no \
                 parentheses."
            }
            Code::DoubledConstant => {
                "`~`, `!` and `$` each stand alone; two in a row mean no more than one."
            }
            Code::CommaBetweenEntries => "Entries are separated by `;`, not by commas.",
            Code::CommaBetweenDestinations => {
                "Destinations are not listed with commas: `|` makes the next one a fallback, \
                 `&` shares the requests."
            }
            Code::TooDeep => "Parentheses may be nested at most 100 deep.",
            Code::TooManyErrors => {
                "The text holds so many mistakes that the rest of it was not looked at. \
                 Perhaps it is not a dtab at all."
            }
            // The others have a rule of their own.
            _ => "",
        }
    }

    /// A text that breaks the rule, and one that says what was meant.
    pub fn examples(self) -> Option<(&'static str, &'static str)> {
        if let Some(rule) = Rule::of(self) {
            return Some((rule.bad, rule.good));
        }
        let examples = match self {
            Code::UnexpectedText => ("/a => /b < /c ;", "/a => /b | /c ;"),
            Code::MissingArrow => ("/svc /host ;", "/svc => /host ;"),
            Code::SingleEquals => ("/svc = /host ;", "/svc => /host ;"),
            Code::WrongArrow => ("/svc -> /host ;", "/svc => /host ;"),
            Code::SecondArrow => ("/svc => /host => /backup ;", "/svc => /host | /backup ;"),
            Code::MissingSemicolon => {
                ("/svc => /host\n/host => /srv ;", "/svc => /host ;\n/host => /srv ;")
            }
            Code::LeadingSemicolon => ("; /svc => /host", "/svc => /host ;"),
            Code::DoubledSemicolon => {
                ("/svc => /host ;; /host => /srv", "/svc => /host ; /host => /srv")
            }
            Code::MissingPrefix => ("=> /host ;", "/ => /host ;"),
            Code::MissingDestination => ("/svc => ;", "/svc => ~ ;"),
            Code::MissingPath => ("", "/"),
            Code::PathWithoutSlash => ("/svc => host/web ;", "/svc => /host/web ;"),
            Code::EmptyLabel => ("/svc//web => /host ;", "/svc/web => /host ;"),
            Code::TrailingSlash => ("/svc/ => /host ;", "/svc => /host ;"),
            Code::BadCharacter => ("/svc/café => /host ;", "/svc/caf\\xc3\\xa9 => /host ;"),
            Code::SpaceInPath => ("/svc/my app => /host ;", "/svc/my\\x20app => /host ;"),
            Code::NonBreakingSpace => ("/svc\u{a0}=> /host ;", "/svc => /host ;"),
            Code::QuotationMark => ("\"/svc\" => \"/host\" ;", "/svc => /host ;"),
            Code::SlashComment => {
                ("// the web tier\n/svc => /host ;", "# the web tier\n/svc => /host ;")
            }
            Code::BadEscape => ("/svc/a\\x2 => /host ;", "/svc/a\\x20 => /host ;"),
            Code::WildcardInDestination => ("/svc/* => /host/* ;", "/svc => /host ;"),
            Code::WildcardPartOfLabel => ("/svc/web* => /host ;", "/svc/* => /host ;"),
            Code::BadWeight => ("/svc => 50% * /a & 50% * /b ;", "/svc => 50 * /a & 50 * /b ;"),
            Code::NegativeWeight => ("/svc => -1 * /a & 2 * /b ;", "/svc => 0 * /a & 2 * /b ;"),
            Code::WeightWithoutStar => {
                ("/svc => 0.9 /a & 0.1 /b ;", "/svc => 0.9 * /a & 0.1 * /b ;")
            }
            Code::WeightAfterDestination => {
                ("/svc => /a * 0.9 & /b * 0.1 ;", "/svc => 0.9 * /a & 0.1 * /b ;")
            }
            Code::MissingOperand => ("/svc => /a | ;", "/svc => /a | /b ;"),
            Code::MissingOperator => ("/svc => /a /b ;", "/svc => /a | /b ;"),
            Code::UnexpectedOperator => ("/svc => /a ;\n  | /b ;", "/svc => /a\n  | /b ;"),
            Code::EmptyParentheses => ("/svc => () ;", "/svc => ~ ;"),
            Code::UnclosedParenthesis => ("/svc => (/a | /b & /c ;", "/svc => (/a | /b) & /c ;"),
            Code::UnexpectedParenthesis => ("/svc => /a | /b) ;", "/svc => /a | /b ;"),
            Code::DoubledConstant => ("/svc => ~~ ;", "/svc => ~ ;"),
            Code::CommaBetweenEntries => ("/a => /b , /c => /d", "/a => /b ; /c => /d"),
            Code::CommaBetweenDestinations => ("/svc => /a, /b ;", "/svc => /a | /b ;"),
            Code::TooDeep => ("/svc => ((((… more than 100 of them …)))) ;", "/svc => /a | /b ;"),
            _ => return None,
        };
        Some(examples)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
