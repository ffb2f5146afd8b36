//! What a reader in a terminal sees.

use super::{super::text_as, *};

fn check(markdown: &str, expected: &[&str]) {
    let text = text(markdown, 40);
    assert_eq!(text.lines().collect::<Vec<_>>(), expected, "{markdown:?}");
    assert!(
        text.is_empty() || text.ends_with('\n') && !text.ends_with("\n\n"),
        "{markdown:?}"
    );
    assert!(
        text.lines().all(|line| !line.ends_with([' ', '\t'])),
        "{markdown:?}"
    );
}

#[test]
fn paragraphs_are_wrapped_by_what_is_seen() {
    check(
        "one two three four five six seven eight nine\nten **strong** _soft_\\\nhard\n",
        &[
            "one two three four five six seven eight",
            "nine ten *strong* _soft_",
            "hard",
        ],
    );
    check(
        "Ошибка позволяет выполнить произвольный код на сервере\n",
        &["Ошибка позволяет выполнить произвольный", "код на сервере"],
    );
    check(
        "攻撃者は認証なしでサーバー上で任意のコードを実行することができます。\n至急更新。\n",
        &[
            "攻撃者は認証なしでサーバー上で任意のコー",
            "ドを実行することができます。至急更新。",
        ],
    );
    check(
        "تسمح هذه الثغرة للمهاجم بتنفيذ تعليمات برمجية عن بعد\n",
        &["تسمح هذه الثغرة للمهاجم بتنفيذ تعليمات", "برمجية عن بعد"],
    );
    check("\n\n", &[]);
}

#[test]
fn what_has_to_be_copied_whole_is_never_broken() {
    let url = "https://example.org/a/very/long/path/that/exceeds?the=width&of=lines";
    check(&format!("see <{url}> now\n"), &["see", url, "now"]);
    check(
        "the vector CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H counts\n",
        &[
            "the vector",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
            "counts",
        ],
    );
    check(
        "    code\twith  spaces   and a line that is longer than forty columns\n\n    x   \n",
        &[
            "    code\twith  spaces   and a line that is longer than forty columns",
            "",
            "    x",
        ],
    );
}

#[test]
fn links_are_numbers_explained_at_the_end() {
    check(
        "[a](https://x.example/b(c)) [d](https://y.example) [e](https://x.example/b(c)) [f](#g) <h@i.example> [j](mailto:k@l.example)\n",
        &[
            "a [1] d [2] e [1] f h@i.example j [3]",
            "",
            "Links",
            "~~~~~",
            "",
            "[1] https://x.example/b(c)",
            "[2] https://y.example",
            "[3] mailto:k@l.example",
        ],
    );
    check(
        "[a](http://mailto:b@c.example) [d](javascript:x)\n",
        &[
            "a [1] d",
            "",
            "Links",
            "~~~~~",
            "",
            "[1] http://mailto:b@c.example",
        ],
    );
}

#[test]
fn lists_hang() {
    check(
        "- one two three four five six seven eight nine\n  - nested\n\n    more\n- [x] done\n- [ ] open\n",
        &[
            "* one two three four five six seven",
            "  eight nine",
            "  * nested",
            "",
            "    more",
            "[x] done",
            "[ ] open",
        ],
    );
    check(
        "9. a\n10. b\n\n- c\n\n* d\n",
        &[" 9. a", "10. b", "", "* c", "", "* d"],
    );
    check(
        "1. a\n\n   ```\n   x\n   ```\n2. b\n",
        &["1. a", "", "       x", "", "2. b"],
    );
}

#[test]
fn headings_quotes_and_alerts_have_their_marks() {
    check(
        "## A\n\n#### B b\n\n> q\n>\n> r\n\n> [!WARNING]\n> stop\n",
        &[
            "A",
            "=",
            "",
            "B b",
            "~~~",
            "",
            "| q",
            "|",
            "| r",
            "",
            "| WARNING",
            "| stop",
        ],
    );
    check("## 深刻\n", &["深刻", "===="]);
    check(
        "a[^n]\n\n---\n\n[^n]: note\n",
        &["a[^1]", "", "                 * * *", "", "[^1] note"],
    );
}

#[test]
fn each_line_has_the_marks_of_what_it_stands_in() {
    let ten = "| | | | | | | | | |";
    // Without room for another mark, it stands above.
    check(
        &format!("{} deep\n", ">".repeat(12)),
        &[
            &format!("{ten} |"),
            &format!("{ten} |"),
            &format!("{ten} deep"),
        ],
    );
    check(
        "-\n- >\n- a\n\n  > b\n",
        &["*", "", "*", "", "* a", "", "  | b"],
    );
    check(
        "> <!-- -->\n>\n> [x]: y\n>\n> a\n\n[z]: y\n",
        &["|     <!-- -->", "|", "| a"],
    );
}

#[test]
fn tables_are_columns_or_records() {
    check(
        "| a | name |\n|--:|---|\n| 10 | 深 |\n| 9 | b |\n",
        &[" a  name", "==  ====", "10  深", " 9  b"],
    );
    check(
        "| version | what to do about it |\n|---|---|\n| 1.2.3.4 | update as soon as you can, really |\n| 2 | |\n",
        &[
            "version: 1.2.3.4",
            "what to do about it: update as soon as",
            "  you can, really",
            "",
            "version: 2",
        ],
    );
}

#[test]
fn a_text_cannot_steer_the_terminal() {
    check(
        "a\u{1b}[31mb\u{9b}c `\u{7}d`\n\n    \u{1b}]0;x\n",
        &["a[31mbc `d`", "", "    ]0;x"],
    );
}

#[test]
fn links_of_the_site_are_made_absolute() {
    let words = Words::english();
    let style = TextStyle {
        width: 72,
        words: &words,
        site: Some("https://cert.example.org/"),
        top: 2,
    };
    let plain = text_as("[a](/pgp/)\n\n## B\n", &style);
    assert_eq!(
        (plain.text.as_str(), plain.links),
        (
            "a [1]\n\nB\n~\n\nLinks\n~~~~~\n\n[1] https://cert.example.org/pgp/\n",
            1
        )
    );
}
