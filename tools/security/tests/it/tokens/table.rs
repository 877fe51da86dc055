//! RFC 8725, JSON Web Token Best Current Practices: what its section 3 asks for, each with tokens that ask for it.

use aws_lc_rs::hmac::{HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};
use chassis::auth::Claims;
use runtime::testing::{SECRET, mint};
use serde_json::json;

use super::forge::{HEADER, good, header, ours, part, signed, with, without};

/// A token that opens nothing.
pub struct Row {
    /// Of RFC 8725, or of the RFC that is named.
    pub section: &'static str,
    pub what: String,
    pub token: String,
}

fn row(section: &'static str, what: impl Into<String>, token: impl Into<String>) -> Row {
    Row {
        section,
        what: what.into(),
        token: token.into(),
    }
}

/// Every row for a verifier of HS256.
pub fn rows() -> Vec<Row> {
    [
        algorithms(),
        operations(),
        keys(),
        encodings(),
        claims(),
        strange_claims(),
        untrusted(),
        types(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// 3.1 and 3.2: the one algorithm that is configured, and never `none`.
fn algorithms() -> Vec<Row> {
    let claims = good().to_string();
    let mut rows = Vec::new();
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let header = header("alg", json!(none));
        let bare = format!("{}.{}.", part(&header), part(&claims));
        rows.push(row("3.1", format!("alg {none:?}, no signature"), bare));
        let with_ours = ours(&header, &claims);
        rows.push(row(
            "3.1",
            format!("alg {none:?}, our signature"),
            with_ours,
        ));
    }
    for other in [
        "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA", "hs256", "HS256 ", "HMAC", "dir",
    ] {
        let token = ours(&header("alg", json!(other)), &claims);
        rows.push(row("3.1", format!("alg {other:?}"), token));
    }
    let h384 = header("alg", json!("HS384"));
    let token = signed(HMAC_SHA384, SECRET.as_bytes(), &h384, &claims);
    rows.push(row("3.1", "HS384 with our key", token));
    let h512 = header("alg", json!("HS512"));
    let token = signed(HMAC_SHA512, SECRET.as_bytes(), &h512, &claims);
    rows.push(row("3.1", "HS512 with our key", token));
    for (what, header) in [
        ("no alg", r#"{"typ":"JWT"}"#),
        ("alg as list", r#"{"alg":["HS256"]}"#),
        ("alg as number", r#"{"alg":256}"#),
        ("alg null", r#"{"alg":null}"#),
        ("alg twice", r#"{"alg":"none","alg":"HS256"}"#),
        ("alg twice, turned", r#"{"alg":"HS256","alg":"none"}"#),
        ("header no object", r#""HS256""#),
        ("header a list", r#"["HS256"]"#),
        ("header not closed", r#"{"alg":"HS256""#),
    ] {
        rows.push(row("3.1", what, ours(header, &claims)));
    }
    rows
}

/// 3.3: every cryptographic operation is validated.
fn operations() -> Vec<Row> {
    // A signature that the two alphabets spell differently: a fifth of all are the same in both.
    let token = (0..1_000)
        .map(|n| ours(HEADER, with("jti", json!(format!("t{n}")))))
        .find(|token| token.rsplit('.').next().unwrap().contains(['-', '_']))
        .unwrap();
    let (text, signature) = token.rsplit_once('.').unwrap();
    let (head, _) = text.split_once('.').unwrap();
    let mut rows = vec![
        row("3.3", "no signature", format!("{text}.")),
        row("3.3", "no third part", text),
        row("3.3", "a cut signature", &token[..token.len() - 4]),
        row("3.3", "a longer signature", format!("{token}AAAA")),
        row(
            "3.3",
            "a signature of zeros",
            format!("{text}.{}", part([0; 32])),
        ),
        row("3.3", "padded base64", format!("{token}=")),
        row(
            "3.3",
            "the standard alphabet",
            format!("{text}.{}", signature.replace('-', "+").replace('_', "/")),
        ),
        row(
            "3.3",
            "other claims under the signature",
            format!("{head}.{}.{signature}", part(with("sub", json!("another")))),
        ),
        row(
            "3.3",
            "another header over the signature",
            format!(
                "{}.{}",
                part(r#"{"alg":"HS256","typ":"JWT"}"#),
                token.split_once('.').unwrap().1
            ),
        ),
    ];
    for at in [0, signature.len() / 2, signature.len() - 1] {
        // Each letter's last bits: of the last letter two are beyond the signature and must be none.
        let mut letters: Vec<char> = signature.chars().collect();
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let old = alphabet.find(letters[at]).unwrap();
        letters[at] = alphabet.chars().nth(old ^ 1).unwrap();
        let changed: String = letters.into_iter().collect();
        rows.push(row(
            "3.3",
            format!("letter {at} of the signature changed"),
            format!("{text}.{changed}"),
        ));
    }
    rows
}

/// 3.5: keys have enough entropy, and none is guessed.
fn keys() -> Vec<Row> {
    let claims = good().to_string();
    let guesses = [
        "",
        "secret",
        "password",
        "tributary",
        "your-256-bit-secret",
        "JWT_SECRET_KEY",
    ];
    let short = guesses.map(|key| {
        let token = signed(HMAC_SHA256, key.as_bytes(), HEADER, &claims);
        row("3.5", format!("signed with {key:?}"), token)
    });
    let near = &SECRET.as_bytes()[..32];
    let cut = row(
        "3.5",
        "our key, cut",
        signed(HMAC_SHA256, near, HEADER, &claims),
    );
    short.into_iter().chain([cut]).collect()
}

/// 3.6 and 3.7: nothing compressed, nothing encrypted, UTF-8 throughout.
fn encodings() -> Vec<Row> {
    let claims = good().to_string();
    let jwe = format!(
        "{}.{}.{}.{}.{}",
        part(r#"{"alg":"dir","enc":"A256GCM","zip":"DEF"}"#),
        "",
        part([0; 12]),
        part(&claims),
        part([0; 16])
    );
    let wide: Vec<u8> = claims.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut latin = claims.replace("mallory", "mall\u{0}ry").into_bytes();
    for byte in &mut latin {
        if *byte == 0 {
            *byte = 0xf6;
        }
    }
    let bom = format!("\u{feff}{claims}");
    vec![
        row("3.6", "an encrypted and compressed token", jwe),
        row("3.7", "claims in UTF-16", ours(HEADER, wide)),
        row("3.7", "claims in Latin-1", ours(HEADER, latin)),
        row("3.7", "claims behind a byte order mark", ours(HEADER, bom)),
        row(
            "3.7",
            "claims cut",
            ours(HEADER, &claims[..claims.len() - 1]),
        ),
        row(
            "3.7",
            "more behind the claims",
            ours(HEADER, format!("{claims}{{}}")),
        ),
        row(
            "3.7",
            "a lone surrogate",
            ours(HEADER, claims.replace("mallory", r"\ud800")),
        ),
        row("3.7", "claims no object", ours(HEADER, r#""mallory""#)),
        row("3.7", "claims a list", ours(HEADER, format!("[{claims}]"))),
        row(
            "3.7",
            "deep claims",
            ours(
                HEADER,
                format!(r#"{{"a":{}1{}}}"#, "[".repeat(900), "]".repeat(900)),
            ),
        ),
        row("3.7", "no claims", ours(HEADER, "")),
        row(
            "3.7",
            "longer than a token is",
            ours(HEADER, with("email", json!("a".repeat(9_000)))),
        ),
    ]
}

/// 3.8 and 3.9: issuer, subject and audience; RFC 7519 4.1: times; no claim twice.
fn claims() -> Vec<Row> {
    let now = claims_now();
    let mut rows = Vec::new();
    let mut changed = |section, name: &str, values: Vec<serde_json::Value>| {
        rows.push(row(
            section,
            format!("no {name}"),
            ours(HEADER, without(name)),
        ));
        for value in values {
            let what = format!("{name} {value}");
            rows.push(row(section, what, ours(HEADER, with(name, value))));
        }
    };
    changed(
        "3.8",
        "iss",
        vec![
            json!("others"),
            json!("Tributary"),
            json!("tributary/"),
            json!(""),
            json!(null),
            json!(7),
            json!(["tributary", "others"]),
            json!({"tributary": 1}),
        ],
    );
    changed(
        "3.8",
        "sub",
        vec![
            json!(""),
            json!(null),
            json!(7),
            json!(["mallory"]),
            json!("a\nb"),
            json!("a\u{0}"),
            json!("a".repeat(129)),
        ],
    );
    changed(
        "3.9",
        "aud",
        vec![
            json!("others"),
            json!("tributary2"),
            json!("TRIBUTARY"),
            json!(""),
            json!(null),
            json!([]),
            json!(["others"]),
            json!([["tributary"]]),
            json!({"aud": "tributary"}),
        ],
    );
    changed(
        "RFC 7519 4.1.4",
        "exp",
        vec![
            json!(now - 61),
            json!(0),
            json!(-1),
            json!(null),
            json!((now + 600).to_string()),
            json!([now + 600]),
        ],
    );
    rows.push(row(
        "RFC 7519 4.1.5",
        "nbf to come",
        ours(HEADER, with("nbf", json!(now + 120))),
    ));
    rows.push(row(
        "RFC 7519 4.1.5",
        "nbf as text",
        ours(HEADER, with("nbf", json!("0"))),
    ));
    rows
}

/// RFC 7519, 4: no claim twice; and 3.10: what a claim says is checked before it is stored or compared.
fn strange_claims() -> Vec<Row> {
    let now = claims_now();
    let mut rows = Vec::new();
    for (what, first) in [
        ("exp", format!(r#""exp":{},"#, now + 9_999)),
        ("aud", r#""aud":"others","#.to_owned()),
        ("iss", r#""iss":"others","#.to_owned()),
        ("sub", r#""sub":"another","#.to_owned()),
        ("roles", r#""roles":[],"#.to_owned()),
    ] {
        let twice = good().to_string().replacen('{', &format!("{{{first}"), 1);
        rows.push(row(
            "RFC 7519 4",
            format!("{what} twice"),
            ours(HEADER, twice),
        ));
    }
    for (name, value) in [
        ("roles", json!("operator")),
        ("roles", json!([7])),
        ("roles", json!({"operator": true})),
        ("partner_id", json!("a b")),
        ("partner_id", json!("../partner")),
        ("brand_id", json!("a'--")),
        ("user_id", json!("a\u{7}")),
    ] {
        let what = format!("{name} {value}");
        rows.push(row("3.10", what, ours(HEADER, with(name, value))));
    }
    rows
}

fn claims_now() -> u64 {
    good()["iat"].as_u64().unwrap()
}

/// 3.10: nothing that a token says about its own key is believed.
fn untrusted() -> Vec<Row> {
    let claims = good().to_string();
    let attackers = b"a key of the attacker's own, long enough";
    let jwk = json!({"kty": "oct", "k": part(attackers), "alg": "HS256"});
    let mut rows = Vec::new();
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://a.example/jwks.json")),
        ("x5u", json!("https://a.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("kid", json!("../../../../../../dev/null")),
        ("kid", json!("' UNION SELECT 'x")),
        ("kid", json!("https://a.example/key")),
        ("kid", json!("\u{0}")),
    ] {
        for (whose, key) in [
            ("the attacker's", &attackers[..]),
            ("no", b""),
            ("a NUL as", b"\0"),
        ] {
            let token = signed(HMAC_SHA256, key, &header(name, value.clone()), &claims);
            rows.push(row("3.10", format!("{name} and {whose} key"), token));
        }
    }
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(["b64"])),
        ("kid", json!(7)),
    ] {
        let what = format!("{name} {value} with our key");
        let token = ours(&header(name, value), &claims);
        rows.push(row("RFC 7515 4.1.11", what, token));
    }
    rows
}

/// 3.11 and 3.12: a token of one kind does not pass for another.
fn types() -> Vec<Row> {
    let claims = good().to_string();
    let mut rows = Vec::new();
    for typ in [
        "secevent+jwt",
        "logout+jwt",
        "dpop+jwt",
        "application/secevent+jwt",
        "id_token+jwt",
        "JOSE",
        "",
    ] {
        let token = ours(&header("typ", json!(typ)), &claims);
        rows.push(row("3.11", format!("typ {typ:?}"), token));
    }
    let nested = ours(&header("cty", json!("JWT")), ours(HEADER, &claims));
    rows.push(row("3.11", "a token in a token", nested));
    for service in ["bff", "campaign"] {
        let between = mint(&Claims::new("campaign", "campaign", service, 60));
        rows.push(row(
            "3.12",
            format!("a service's token for {service}"),
            between,
        ));
    }
    rows
}
