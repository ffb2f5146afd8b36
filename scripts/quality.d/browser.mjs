// Chromium, and a watch on what a page must not do: ask other hosts, break the policy, fail.
import { createRequire } from "node:module";
import { join } from "node:path";

export const require = createRequire(join(process.env.TOOLS, "package.json"));
const { chromium } = require("playwright-core");

export const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-sandbox",
];
export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

export function launch() {
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

// Writes down, with the address of the page, whatever it should not do. `expected`: the paths that are not there.
export function watch(page, address, faults) {
  const at = () => page.url().replace(address, "") || "/";
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${address}/`) && !url.startsWith("data:")) faults.push(`${at()}: asks another host: ${url}`);
  });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      const isThePage = message.text().includes("status of 404") && message.location().url === page.url();
      if (!isThePage) faults.push(`${at()}: console: ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => faults.push(`${at()}: ${error.message}`));
}

export function end(faults) {
  for (const fault of new Set(faults)) console.log(fault);
  process.exitCode = faults.length ? 1 : 0;
}
