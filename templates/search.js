// Results as people type. Everything comes from this site: MiniSearch (the engine) and the index are loaded when they
// are first needed, the newest advisories first. What the index says is only ever written as text, never as markup.

const form = document.getElementById("search");
const field = form.elements.q;
const state = document.getElementById("found");
const results = document.getElementById("results");
const more = document.getElementById("more");
const lang = document.documentElement.lang;
const SHOWN = 30;
const PAUSE = 150; // ms after the last key

// ---------------------------------------------------------------- words

// Scripts without blanks between words. Chinese and Japanese are taken in pairs of letters, since where a word ends
// depends on what stands around it; the others are cut by the browser, which has their dictionaries.
const PAIRS = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}ー]/u;
const CUT = /[\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;
const RUNS = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}ー]+|[\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}\p{M}]+|[^\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}ー\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]+/gu;
const WORD = /[\p{L}\p{N}\p{M}]+(?:[-._+][\p{L}\p{N}\p{M}]+)*/gu;
const segmenter = "Segmenter" in Intl ? new Intl.Segmenter(lang, { granularity: "word" }) : null;

// One form for what readers take as the same: case, width, accents, vowel signs of Arabic and Hebrew, letters of
// Arabic that many do not tell apart at the end of a word.
function fold(text) {
  return text
    .normalize("NFKD")
    .replace(/[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0640\u200b-\u200d\u2060\ufeff]/g, "")
    .normalize("NFC")
    .toLowerCase()
    .replace(/\u0649/g, "\u064a")
    .replace(/\u0629/g, "\u0647");
}

// The words of a text.
function words(text) {
  const found = [];
  for (const word of fold(text).match(WORD) ?? []) {
    if (!PAIRS.test(word) && !CUT.test(word)) {
      found.push(word);
      continue;
    }
    for (const run of word.match(RUNS)) {
      if (PAIRS.test(run)) found.push(...pairs([...run]));
      else if (!CUT.test(run)) found.push(...(run.match(WORD) ?? []));
      else if (!segmenter) found.push(run);
      else for (const part of segmenter.segment(run)) if (part.isWordLike) found.push(part.segment);
    }
  }
  return found;
}

function pairs(letters) {
  return letters.length === 1 ? letters : letters.slice(1).map((letter, at) => letters[at] + letter);
}

// What is put into the index: of CVE-2026-1234 also 2026-1234 and 1234, so that each beginning is found.
function terms(text) {
  const found = [];
  for (const word of words(text)) {
    // The second letter of a pair begins no pair at the end of a text.
    if (PAIRS.test(word)) found.push(...[...word].slice(1));
    for (let at = 0; at !== -1; ) {
      found.push(word.slice(at));
      const next = word.slice(at).search(/[-._+]/);
      at = next === -1 ? -1 : at + next + 1;
    }
  }
  return found;
}

// ---------------------------------------------------------------- the index

const advisories = []; // all that are loaded
let engine = null;
let isComplete = false;
let isFaulty = false;

function read(fields) {
  const [id, kind, severity, date, titles, about, cves, withdrawn] = fields;
  const own = lang in titles ? lang : Object.keys(titles)[0];
  return { id, kind, severity, date, titles, lang: own, about, cves: cves.split(" ").filter(Boolean), withdrawn };
}

const FIELDS = {
  id: (one) => one.id,
  title: (one) => one.titles[one.lang],
  others: (one) => Object.keys(one.titles).filter((other) => other !== one.lang).map((other) => one.titles[other]).join(" "),
  about: (one) => one.about,
  cves: (one) => one.cves.map((cve) => `CVE-${cve}`).join(" "),
  facts: (one) => `${kinds.get(one.kind) ?? ""} ${samples.get(one.severity)?.word ?? ""} ${one.date.slice(0, 4)}`,
};

const years = (from, to) => Math.max(0, (Date.parse(to) - Date.parse(from)) / (365 * 86_400_000));

async function load() {
  const { default: MiniSearch } = await import(new URL(form.dataset.engine, location.href));
  engine = new MiniSearch({
    idField: "at",
    fields: Object.keys(FIELDS),
    extractField: (one, name) => (name === "at" ? one.at : FIELDS[name](one)),
    tokenize: terms,
    processTerm: (term) => term,
    searchOptions: {
      tokenize: words,
      combineWith: "AND",
      prefix: true,
      // Numbers are meant as they are written.
      fuzzy: (term) => (/\p{N}/u.test(term) || term.length < 5 ? false : 0.2),
      boost: { id: 4, title: 3, cves: 3, about: 2 },
      // Of what fits equally well, the new is meant: this year's counts nearly double.
      boostDocument: (at) => 1 + 1 / (1 + years(advisories[at].date, advisories[0].date)),
    },
  });
  const parts = form.dataset.parts.split(" ").filter(Boolean);
  // The server is always asked whether a part has changed; what has not is not sent again.
  const loading = parts.map(async (name) => {
    const answer = await fetch(`${form.dataset.index}${name}.json`, { cache: "no-cache" });
    if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
    return answer.json();
  });
  for (const part of loading) part.catch(() => {}); // each is looked at in its turn
  let shownAt = performance.now();
  for (const part of loading) {
    try {
      const added = (await part).map((fields, nth) => ({ ...read(fields), at: advisories.length + nth }));
      advisories.push(...added);
      engine.addAll(added);
    } catch (error) {
      isFaulty = true;
      console.warn(error);
    }
    if (performance.now() - shownAt > 200) {
      search();
      await new Promise((resume) => setTimeout(resume)); // keys go before the next part
      shownAt = performance.now();
    }
  }
}

let started = null;

function start() {
  started ??= load()
    .catch((error) => {
      isFaulty = true;
      console.warn(error);
    })
    .then(() => {
      isComplete = true;
      search();
    });
}

// ---------------------------------------------------------------- searching

const bare = (text) => text.trim().toUpperCase();

function find(query) {
  let hits = engine.search(query);
  // Nobody writes `remote-code` so? Then perhaps with a blank.
  if (hits.length === 0) hits = engine.search(query.replace(/[-._+/]/g, " "));
  const sought = bare(query);
  const found = hits.map((hit) => advisories[hit.id]);
  if (!/^[\p{L}\p{N}]*[-\p{N}]+$/u.test(sought)) return found;
  // A number or its beginning: what has exactly this comes first, then the newest.
  const is = (one) => one.id.toUpperCase() === sought || one.cves.includes(sought.replace(/^CVE-/, ""));
  return found.sort((a, b) => is(b) - is(a) || b.date.localeCompare(a.date) || b.at - a.at);
}

let shown = "";
let found = [];

function search() {
  const query = field.value.trim();
  if (query === "") {
    found = [];
    shown = "";
    results.replaceChildren();
    results.hidden = more.hidden = true;
    state.textContent = "";
    return;
  }
  start();
  const before = found;
  found = engine ? find(query) : [];
  const isSame = shown === query && before.length === found.length && before.every((one, at) => one === found[at]);
  if (!isSame) {
    shown = query;
    results.replaceChildren();
    show();
  }
  say(query);
}

// Said once the whole index is there: a screen reader should not read out every step.
function say(query) {
  const { wait, none, found: count, fault } = form.dataset;
  const verdict = found.length > 0 ? count.replace("{count}", () => found.length) : none.replace("{query}", () => query);
  const text = !isComplete ? wait : isFaulty ? `${verdict} ${fault}` : verdict;
  if (state.textContent !== text) state.textContent = text;
}

// ---------------------------------------------------------------- showing

const samples = new Map();
for (const row of document.getElementById("samples").content.querySelectorAll(".row")) {
  const severity = row.querySelector(".severity");
  const name = [...severity.classList].find((one) => one.startsWith("severity-")).slice("severity-".length);
  samples.set(name, { row, word: severity.textContent });
}
const kinds = new Map();
for (const kind of document.getElementById("kinds").content.children) kinds.set(kind.dataset.kind, kind.textContent);
const dates = form.dataset.dates.split("|");

function written(date) {
  const [year, month, day] = date.split("-");
  const form = dates[Number(month) - 1];
  return form ? form.replace("{year}", year).replace("{day}", Number(day)) : date;
}

function row(one) {
  const made = (samples.get(one.severity) ?? samples.get("none")).row.cloneNode(true);
  const link = made.querySelector("a");
  link.href = `${form.dataset.advisories}${encodeURIComponent(one.id)}/`;
  link.textContent = one.titles[one.lang];
  if (one.lang !== lang) {
    link.lang = one.lang;
    link.dir = "auto";
  }
  const id = made.querySelector(".id");
  id.textContent = one.id;
  id.nextElementSibling.textContent = kinds.get(one.kind) ?? one.kind;
  const date = made.querySelector("time");
  date.dateTime = one.date;
  date.textContent = written(one.date);
  if (!one.withdrawn) made.querySelector(".stamp").remove();
  return made;
}

function show() {
  const from = results.childElementCount;
  results.append(...found.slice(from, from + SHOWN).map(row));
  results.hidden = found.length === 0;
  more.hidden = results.childElementCount >= found.length;
  return results.children[from];
}

// ---------------------------------------------------------------- what the reader does

let timer;

function typed() {
  clearTimeout(timer);
  start();
  timer = setTimeout(() => {
    search();
    const address = new URL(location.href);
    if (field.value.trim()) address.searchParams.set("q", field.value.trim());
    else address.searchParams.delete("q");
    if (address.href !== location.href) history.replaceState(null, "", address);
  }, PAUSE);
}

function fromAddress() {
  field.value = new URLSearchParams(location.search).get("q") ?? "";
  search();
}

field.addEventListener("focus", start, { once: true });
field.addEventListener("input", typed);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  typed();
});
more.addEventListener("click", () => show()?.querySelector("a").focus());
window.addEventListener("popstate", fromAddress);
fromAddress();
