// The form of JSON Feed 1.1: a folder as argument, paths on standard input, faults on standard output.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.TOOLS, "package.json"));
const Ajv = require("ajv");

const uri = { type: "string", pattern: "^https?://\\S+$" };
const date = { type: "string", pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)$" };
const text = { type: "string", minLength: 1 };
const authors = {
  type: "array",
  minItems: 1,
  items: { type: "object", minProperties: 1, additionalProperties: false, properties: { name: text, url: uri, avatar: uri } },
};
const extensions = { "^_": {} };
const schema = {
  type: "object",
  required: ["version", "title", "items"],
  additionalProperties: false,
  patternProperties: extensions,
  properties: {
    version: { const: "https://jsonfeed.org/version/1.1" },
    title: text,
    home_page_url: uri,
    feed_url: uri,
    description: { type: "string" },
    user_comment: { type: "string" },
    next_url: uri,
    icon: uri,
    favicon: uri,
    authors,
    language: text,
    expired: { type: "boolean" },
    hubs: { type: "array" },
    items: {
      type: "array",
      items: {
        type: "object",
        required: ["id"],
        anyOf: [{ required: ["content_html"] }, { required: ["content_text"] }],
        additionalProperties: false,
        patternProperties: extensions,
        properties: {
          id: text,
          url: uri,
          external_url: uri,
          title: text,
          content_html: text,
          content_text: text,
          summary: { type: "string" },
          image: uri,
          banner_image: uri,
          date_published: date,
          date_modified: date,
          authors,
          tags: { type: "array", items: text },
          language: text,
          attachments: { type: "array", items: { type: "object", required: ["url", "mime_type"] } },
        },
      },
    },
  },
};

const check = new Ajv({ allErrors: true, strict: true, strictRequired: false }).compile(schema);
const faults = [];
for (const path of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const feed = JSON.parse(readFileSync(join(process.argv[2], path), "utf8"));
  if (!check(feed)) faults.push(...check.errors.map((one) => `${path}${one.instancePath}: ${one.message}`));
  const ids = (feed.items ?? []).map((item) => item.id);
  if (new Set(ids).size !== ids.length) faults.push(`${path}: two items with the same id`);
}
for (const fault of faults) console.log(fault);
process.exitCode = faults.length ? 1 : 0;
