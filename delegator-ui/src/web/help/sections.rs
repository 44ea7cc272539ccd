//! What the page says, in the order in which it is read. The texts are markup.

/// A part of the page.
#[derive(Debug)]
pub(super) struct Section {
    /// Its anchor.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) examples: &'static [Example],
}

/// A small table and a name, which the router resolves.
#[derive(Debug)]
pub(super) struct Example {
    /// What is to be seen in it, as markup.
    pub(super) about: &'static str,
    pub(super) table: &'static str,
    /// What a request brings along, where that is what it is about.
    pub(super) local: Option<&'static str>,
    pub(super) name: &'static str,
}

const fn example(about: &'static str, table: &'static str, name: &'static str) -> Example {
    Example { about, table, local: None, name }
}

pub(super) const SECTIONS: &[Section] = &[
    Section {
        id: "names",
        title: "Names are paths",
        text: "<p>A router gives each request a name, which is a path: <code>/svc/web</code> for \
            <code>Host: web</code>. A path is labels behind slashes. Labels hold letters, digits and \
            <code>_ : . # $ % -</code>; any other byte is written <code>\\x20</code>, with two \
            hexadecimal digits. There are no empty labels, so neither <code>//</code> nor a slash at the \
            end, but <code>/</code> alone is a path: the empty one.</p>\
            <p>A table, or <dfn>dtab</dfn>, says where a name leads. Nothing below is applied to this \
            router: each example has a table of its own.</p>",
        examples: &[],
    },
    Section {
        id: "entries",
        title: "Entries replace a prefix",
        text: "<p>An entry, or <dfn>dentry</dfn>, is a prefix, an arrow, and a destination. If a name \
            begins with the prefix, label by label, the destination takes the place of the prefix, and \
            the rest of the name, its <dfn>residual</dfn>, stays behind it. Entries are separated by \
            <code>;</code>, and <code>#</code> begins a comment.</p>\
            <p>What comes of it is looked up again, until a namer takes it, or until no entry matches.</p>",
        examples: &[
            example(
                "<code>/svc</code> is replaced, <code>/8080</code> is the residual.",
                "/svc => /$/inet/127.0.0.1 ;   # the port is the rest of the name",
                "/svc/8080",
            ),
            example(
                "One entry leads to another. A whole label has to match: <code>/svc</code> is no prefix of <code>/service</code>.",
                "/web  => /$/inet/127.0.0.1/8080 ;\n/host => /web ;\n/svc  => /host ;",
                "/svc",
            ),
        ],
    },
    Section {
        id: "order",
        title: "The last entry wins",
        text: "<p>Every entry that matches counts, the last one first. How long a prefix is plays no \
            part: put the general before the particular. The earlier entries are the fallback, for where \
            the later ones lead nowhere.</p>",
        examples: &[
            example(
                "The last entry matches too, and it is the first to be tried.",
                "/svc     => /$/inet/127.0.0.1/8080 ;\n/svc/web => /$/inet/127.0.0.1/8081 ;",
                "/svc/web",
            ),
            example(
                "The last entry leads nowhere, so the one above it answers.",
                "/svc => /$/inet/127.0.0.1/8080 ;\n/svc => /not/there ;",
                "/svc/web",
            ),
        ],
    },
    Section {
        id: "wildcards",
        title: "A star stands for one label",
        text: "<p>In a prefix, and only there, <code>*</code> is any one label; what it stood for is not \
            kept. It is the whole label or nothing: <code>/svc/web*</code> is a mistake.</p>",
        examples: &[example(
            "<code>*</code> is <code>eu</code> here; try another region, or two.",
            "/srv/*/web => /$/inet/127.0.0.1/8080 ;",
            "/srv/eu/web",
        )],
    },
    Section {
        id: "alternatives",
        title: "One or else the other: |",
        text: "<p><code>/a | /b</code> is the first of them that leads somewhere. A branch that is \
            negative is passed over. A branch that refuses (<code>!</code>), is nobody (<code>$</code>), \
            fails or is not known yet decides: nothing behind it is tried. So does a branch that is found \
            but has no address at the moment.</p>",
        examples: &[example(
            "Nothing is known of the first, so the second it is.",
            "/svc => /primary | /backup ;\n/backup => /$/inet/127.0.0.1/8080 ;",
            "/svc",
        )],
    },
    Section {
        id: "shares",
        title: "A share for each: &amp;",
        text: "<p><code>0.9 * /a &amp; 0.1 * /b</code> divides the requests by weight. A weight is digits \
            with at most one dot; without one it is 1, and only how weights compare matters. Branches that \
            are negative or refuse drop out, and their share goes to the others; with none left the whole \
            is negative.</p>\
            <p><code>&amp;</code> binds more tightly than <code>|</code>: \
            <code>/a &amp; /b | /c</code> is <code>(/a &amp; /b) | /c</code>. Parentheses say otherwise.</p>",
        examples: &[
            example(
                "Nine of ten requests stay where they are.",
                "/svc => 0.9 * /v/8080 & 0.1 * /v/8081 ;\n/v   => /$/inet/127.0.0.1 ;",
                "/svc",
            ),
            example(
                "The third branch leads nowhere: the others have its share.",
                "/svc => 1 * /v/8080 & 1 * /v/8081 & 2 * /not/there ;\n/v   => /$/inet/127.0.0.1 ;",
                "/svc",
            ),
        ],
    },
    Section {
        id: "ends",
        title: "Three ways to end: ~ ! $",
        text: "<p><code>~</code> is negative: as if the entry were not there, so that others are asked. \
            <code>!</code> refuses: requests fail, and nothing else is tried. <code>$</code> is nobody: a \
            name that exists, with no one behind it.</p>",
        examples: &[
            example(
                "<code>~</code> leaves the name to the entry above it.",
                "/svc     => /$/inet/127.0.0.1/8080 ;\n/svc/old => ~ ;",
                "/svc/old",
            ),
            example(
                "<code>!</code> does not: the entry above it is not tried.",
                "/svc     => /$/inet/127.0.0.1/8080 ;\n/svc/old => ! ;",
                "/svc/old",
            ),
            example(
                "<code>$</code> neither, and nobody answers.",
                "/svc     => /$/inet/127.0.0.1/8080 ;\n/svc/old => $ ;",
                "/svc/old",
            ),
        ],
    },
    Section {
        id: "built-in",
        title: "Built-in names: /$/",
        text: "<p>Names that need no discovery:</p><dl class=\"facts\">\
            <dt><code>/$/inet/127.0.0.1/8080</code></dt><dd>an address, or a host that DNS knows</dd>\
            <dt><code>/$/nil</code>, <code>/$/fail</code></dt><dd>nobody, refused: <code>$</code> and <code>!</code> as names</dd>\
            <dt><code>/$/io.buoyant.rinet/8080/127.0.0.1</code></dt><dd>an address with the port first</dd>\
            <dt><code>/$/io.buoyant.hostportPfx/host/web:8080</code></dt><dd>becomes <code>/host/web/8080</code>; with <code>porthostPfx</code>, <code>/host/8080/web</code></dd>\
            <dt><code>/$/io.buoyant.http.subdomainOfPfx/example.com/host/web.example.com</code></dt><dd>becomes <code>/host/web</code></dd>\
            <dt><code>/$/io.buoyant.http.domainToPathPfx/host/web.example.com</code></dt><dd>becomes <code>/host/com/example/web</code></dd>\
            <dt><code>/$/io.buoyant.http.anyHostPfx/host/web</code></dt><dd>the same for any host: becomes <code>/host</code> with the host taken off</dd>\
            <dt><code>/$/io.buoyant.http.status/503</code></dt><dd>an answer with this status, by the router itself</dd></dl>\
            <p>Any other name under <code>/$/</code> is an error, even in the middle of a choice.</p>",
        examples: &[
            example(
                "A port in the name becomes a label of its own.",
                "/svc  => /$/io.buoyant.hostportPfx/host ;\n/host => /$/inet ;",
                "/svc/127.0.0.1:8080",
            ),
            example(
                "Every host of a domain, by its name in it.",
                "/svc      => /$/io.buoyant.http.subdomainOfPfx/example.com/host ;\n/host/web => /$/inet/127.0.0.1/8080 ;",
                "/svc/web.example.com",
            ),
        ],
    },
    Section {
        id: "overrides",
        title: "Overrides, for one request",
        text: "<p>A request can bring entries of its own in the header <code>l5d-dtab</code>. They come \
            after those of the table, so they win, and they travel along with what the request causes \
            further on. That is how a new version is tried in the midst of everything else:</p>\
            <pre class=\"code\" tabindex=\"0\">curl -H 'Host: web' -H 'l5d-dtab: /svc/web => /host/web-v2' http://127.0.0.1:4140/</pre>\
            <p>Which callers may do so is up to the configuration of the server.</p>",
        examples: &[Example {
            about: "The table sends <code>/svc/web</code> to one version, the request to another.",
            table: "/svc         => /host ;\n/host/web    => /$/inet/127.0.0.1/8080 ;\n/host/web-v2 => /$/inet/127.0.0.1/8082 ;",
            local: Some("/svc/web => /host/web-v2"),
            name: "/svc/web",
        }],
    },
    Section {
        id: "cycles",
        title: "Cycles",
        text: "<p>An entry may lead back to where it came from. No name may take more than 100 look-ups: \
            one that does fails whole, with all its branches, even in a choice that has others. Only a \
            union goes on without the branch that goes round.</p>",
        examples: &[example(
            "The tree shows a cycle once, where it begins again.",
            "/svc  => /host ;\n/host => /svc ;",
            "/svc/web",
        )],
    },
];

/// Tables with one mistake each, and what was meant.
pub(super) const MISTAKES: &[(&str, &str)] = &[
    ("An arrow has two signs", "/svc = /host ;"),
    ("Entries are separated", "/svc => /host\n/host => /$/inet/127.0.0.1 ;"),
    ("Paths begin with a slash", "/svc => host ;"),
    ("They do not end with one", "/svc/ => /host ;"),
    ("A star is a whole label", "/svc/web* => /host ;"),
    ("Stars stand in prefixes only", "/svc/* => /host/* ;"),
    ("A weight has a star behind it", "/svc => 0.9 /a & 0.1 * /b ;"),
    ("Choices are made with | or &", "/svc => /a, /b ;"),
    ("There are no quotation marks", "/svc => \"/host\" ;"),
    ("Comments begin with #", "/svc => /host ; // by its file"),
    ("One semicolon is enough", "/svc => /host ;;\n/host => /a ;"),
];
