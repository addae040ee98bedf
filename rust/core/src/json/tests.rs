//! What RFC 8259 allows and what is refused.

use alloc::string::{String, ToString};

use proptest::prelude::*;

use super::*;

fn code(text: &[u8]) -> Option<Code> {
    parse(text, &mut Tokens::default()).err()
}

#[test]
fn what_rfc_8259_allows() {
    for text in ["0", "-0", "1e400", "-1.5E-3", " [1 , 2 ]\n", "{}", "\"\\ud83d\\ude00\\u0041\"", "{\"a\":{\"a\":[]}}"]
    {
        assert_eq!(code(text.as_bytes()), None, "{text}");
    }
    let mut tokens = Tokens::default();
    let document = parse(b"{\"a\\n\":[true,null,\"x\\u00e9\\/\"]}", &mut tokens).expect("valid");
    let (name, list) = document.root().members().expect("object").next().expect("one");
    assert_eq!(name, "a\n");
    let items: Vec<_> = list.items().expect("array").collect();
    assert_eq!((items[0].as_bool(), items[1].is_null()), (Some(true), true));
    assert_eq!(items[2].as_text().map(alloc::string::ToString::to_string), Some("xé/".to_string()));
}

#[test]
fn what_is_refused() {
    for text in [
        "",
        "01",
        "+1",
        ".5",
        "1.",
        "1e",
        "NaN",
        "nul",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "\"\t\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\u{feff}{}",
        "{} {}",
        "[1",
        "\"abc",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "[{\"x\":[{\"b\":1,\"b\":1}]}]",
    ] {
        assert_eq!(code(text.as_bytes()), Some(Code::Schema), "{text}");
    }
    assert_eq!(code(b"\"\xff\""), Some(Code::Schema));
    assert_eq!(code(b"{}\xff"), Some(Code::Schema));
    assert_eq!(code("[".repeat(32).as_bytes()), Some(Code::Schema));
    assert_eq!(code("[".repeat(33).as_bytes()), Some(Code::Depth));
    assert_eq!(code(&[&[b'['; 33][..], b"\xff"].concat()), Some(Code::Depth));
}

#[test]
fn many_members_are_checked_as_well() {
    let many = |last: &str| {
        let members: Vec<String> = (0..9000).map(|i| alloc::format!("\"k{i}\":0")).collect();
        alloc::format!("{{{},\"{last}\":0}}", members.join(","))
    };
    assert_eq!(code(many("other").as_bytes()), None);
    assert_eq!(code(many("k17").as_bytes()), Some(Code::Schema));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes, &mut Tokens::default());
    }
}

#[test]
fn the_marks_of_the_usual_keys_do_not_meet() {
    let payment = "kind network channel txn_id refund_id refund_fen order_no scene gross_fen paid_fen invoiceable_fen \
                   paid_at seller_tax_id payer device_seq detail";
    let envelope = "specversion id source type data time subject datacontenttype dataschema";
    for names in [payment, envelope] {
        let marks = names.split(' ').fold(0, |marks, name| marks | reader::mark(name.as_bytes(), 0, name.len()));
        assert_eq!(marks.count_ones() as usize, names.split(' ').count());
    }
}

#[test]
fn eight_bytes_at_a_time_are_seen_as_one_by_one() {
    for byte in 0..=u8::MAX {
        for at in 0..16 {
            let mut text = [b'a'; 17];
            (text[at], text[(at + 3) % 16], text[16]) = (byte, byte ^ 0x80, b'"');
            let end = text.iter().position(|byte| !matches!(byte, b' '..=0x7F) || matches!(byte, b'"' | b'\\'));
            assert_eq!(Some(reader::plain(&text, 0)), end, "{text:?}");
        }
    }
}
