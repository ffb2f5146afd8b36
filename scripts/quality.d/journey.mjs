// The way of a reader through the sample's site, with script and without: home, filter, search, advisory, feed,
// RFC 2350, key. Then what only the script does: keys, announcements, several writing systems, hostile texts.
// The address as argument, faults on standard output.
import { end, launch, watch } from "./browser.mjs";

const address = process.argv[2];
const faults = [];
const browser = await launch();

// One story in a browser of its own. Whatever goes wrong in it is one fault, with the step that was tried last.
async function story(name, options, tell) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(8000);
  const found = [];
  watch(page, address, found);
  let step = "start";
  const says = async (place, words) => {
    step = `${place} says “${words}”`;
    await page.locator(place).filter({ hasText: words }).first().waitFor();
  };
  const clicks = async (role, words, within = page) => {
    step = `the ${role} “${words}”`;
    await within.getByRole(role, { name: words }).first().click();
  };
  const is = (what, holds) => {
    if (!holds) found.push(what);
  };
  try {
    await page.goto(`${address}/`);
    await tell({ page, says, clicks, is });
  } catch (error) {
    found.push(`at ${step}: ${String(error.message).split("\n")[0]}`);
  }
  faults.push(...found.map((one) => `${name}: ${one}`));
  await context.close();
}

const path = (page) => page.url().replace(address, "");

for (const javaScriptEnabled of [true, false]) {
  await story(javaScriptEnabled ? "with script" : "without script", { javaScriptEnabled }, async ({ page, says, clicks, is }) => {
    await says("h2", "Current alerts");
    await clicks("link", "Advisories", page.getByRole("navigation", { name: "Main menu" }));
    await clicks("link", "Critical", page.getByRole("complementary"));
    is("the filter leads to the list by severity", path(page) === "/severity/critical/");
    await says(".rows", "EX-2026-0007");

    await page.getByRole("searchbox").fill("CVE-2026-90107");
    await page.getByRole("searchbox").press("Enter");
    await page.waitForURL(`${address}/search/?q=CVE-2026-90107`);
    if (javaScriptEnabled) {
      await says("[role=status]", "Results: 1");
      await clicks("link", "remote code execution", page.locator("#results"));
    } else {
      await says(".notice", "these lists lead to every advisory");
      await clicks("link", "2026", page.getByRole("navigation", { name: "By CVE" }));
      await says("h2", "CVE-2026-90107");
      await clicks("link", "EX-2026-0007");
    }
    is("the way leads to the advisory", path(page) === "/advisories/EX-2026-0007/");
    await says("h1", "Example Gateway: remote code execution before login");

    await clicks("link", "Feeds", page.getByRole("contentinfo"));
    const feed = await page.getByRole("link", { name: "/rss.xml" }).first().getAttribute("href");
    is("the feed has the advisory", (await (await page.request.get(`${address}${feed}`)).text()).includes("EX-2026-0007"));

    await clicks("link", "RFC 2350", page.getByRole("contentinfo"));
    await says("h2", "Contact Information");
    await clicks("link", "OpenPGP", page.getByRole("contentinfo"));
    const key = await page.getByRole("link", { name: "Download the key" }).getAttribute("href");
    const armored = await (await page.request.get(`${address}${key}`)).text();
    is("the key can be had", armored.startsWith("-----BEGIN PGP PUBLIC KEY BLOCK-----"));
  });
}

await story("lists without script", { javaScriptEnabled: false }, async ({ page, says, clicks, is }) => {
  await page.goto(`${address}/ru/search/`);
  await clicks("link", "2026-10");
  await clicks("link", "EX-2026-0007");
  is("the lists of a language stay in it", path(page) === "/ru/advisories/EX-2026-0007/");
  await page.goto(`${address}/search/`);
  await clicks("link", "All vendors");
  await says("h1", "Vendors");
});

await story("keys only", {}, async ({ page, says, is }) => {
  const focus = () => page.evaluate(() => document.activeElement.closest("a, button, input")?.id || document.activeElement.textContent.trim());
  for (let tabs = 0; tabs < 20 && (await focus()) !== "find"; tabs += 1) await page.keyboard.press("Tab");
  is("the search box can be reached by keyboard", (await focus()) === "find");
  await page.keyboard.type("fileshare");
  await page.keyboard.press("Enter");
  await says("[role=status]", "Results: 2");
  await page.locator("#query").focus();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  is("results follow the box", (await focus()).startsWith("Acme FileShare"));
  await page.keyboard.press("Enter");
  await says("h1", "Acme FileShare");
  await page.goBack();
  await says("[role=status]", "Results: 2");
  is("the address has what was sought", path(page) === "/search/?q=fileshare");
  is("the box has it too", (await page.locator("#query").inputValue()) === "fileshare");
});

await story("as people type", {}, async ({ page, says, is }) => {
  await page.goto(`${address}/search/`);
  const types = async (query, words) => {
    await page.locator("#query").fill(query);
    await page.waitForURL((url) => url.searchParams.get("q") === query);
    await says("[role=status]", words);
  };
  const ids = () => page.locator("#results .id").allTextContents();
  await types("CVE-2026-9010", "Results: 5");
  is("there is no more to show", !(await page.locator("#more").isVisible()));
  is("the newest of a number's beginning comes first", (await ids())[0] === "EX-2026-0012");
  await types("90108", "Results: 1");
  await types("2026-0007", "Results: 1");
  await types("ex-2026-0005", "Results: 1");
  await says("#results", "Withdrawn");
  await types("gatway login", "Results: 1");
  await types("удаленное выполнение", "Results: 1");
  is("a title of another language is found under this one's", (await ids())[0] === "EX-2026-0007");
  await types("nothing of the kind <b>", "Nothing was found for “nothing of the kind <b>”.");
  is("nothing is shown then", (await ids()).length === 0);
  await page.locator("#query").fill("");
  await page.waitForFunction(() => document.getElementById("found").textContent === "");
  is("an empty box leaves an empty address", path(page) === "/search/");
  await page.goto(`${address}/ru/search/?q=${encodeURIComponent("УДАЛЁННОЕ")}`);
  await says("[role=status]", "Найдено: 1");
  await says("#results", "3 ноября 2026");
  await page.goto(`${address}/ru/search/?q=boiler`);
  is("a foreign title says its language", (await page.locator("#results a").getAttribute("lang")) === "en");
});

// What no sample has: many advisories, other writing systems, and texts that would like to be more than texts.
const made = [
  ["EX-2026-1001", "advisory", "high", "2026-01-02", { ar: "ثُغرة خطيرة في بوّابة الأمان" }, "", "2026-1001"],
  ["EX-2026-1002", "advisory", "high", "2026-01-03", { ja: "ルーターにおける深刻な脆弱性" }, "東京電機", "2026-1002"],
  ["EX-2026-1003", "advisory", "high", "2026-01-04", { zh: "网络设备远程代码执行漏洞" }, "", "2026-10030"],
  ["EX-2026-1004", "advisory", "odd", "2026-01-05", { en: "<img src=x onerror=alert(1)> & \"quotes\"" }, "<script>", "2026-1004", 1],
  ["EX-2026-1005", "advisory", "low", "2026-01-06", { kk: "Қауіпсіздік шлюзіндегі осалдық" }, "S7-1500 V2.9.2", ""],
  ...Array.from({ length: 95 }, (_, nth) => [`EX-2026-2${String(nth).padStart(3, "0")}`, "alert", "low", "2026-02-01", { en: `Many ${nth}` }, "", ""]),
];
await story("other writing systems", {}, async ({ page, says, clicks, is }) => {
  await page.route("**/search/2026-1.json", (route) => route.fulfill({ json: made }));
  await page.goto(`${address}/search/`);
  const finds = async (query, id) => {
    await page.locator("#query").fill(query);
    await page.waitForURL((url) => url.searchParams.get("q") === query);
    await says("#results", id);
  };
  await finds("ثغرة", "EX-2026-1001");
  await finds("بوابه الامان", "EX-2026-1001");
  await finds("脆弱性", "EX-2026-1002");
  await finds("ルータ", "EX-2026-1002");
  await finds("東京電機", "EX-2026-1002");
  await finds("漏洞", "EX-2026-1003");
  await finds("қауіпсіздік осал", "EX-2026-1005");
  await finds("s7-1500", "EX-2026-1005");
  await finds("2.9.2", "EX-2026-1005");
  await finds("quotes", "EX-2026-1004");
  is("a text stays a text", (await page.locator("#results a").first().textContent()).startsWith("<img src=x onerror"));
  await page.locator("#query").fill("many");
  await says("[role=status]", "Results: 95");
  is("not all are shown at once", (await page.locator("#results .row").count()) === 30);
  await clicks("button", "Show more");
  is("more are shown when asked", (await page.locator("#results .row").count()) === 60);
});

await story("a part of the index is missing", {}, async ({ page, says, is }) => {
  const before = faults.length;
  await page.route("**/search/2026-1.json", (route) => route.fulfill({ status: 200, contentType: "application/json", body: "[" }));
  page.removeAllListeners("console");
  await page.goto(`${address}/search/?q=gateway`);
  await says("[role=status]", "could not load all it needs");
  is("and nothing else is wrong", faults.length === before);
});

await browser.close();
end(faults);
