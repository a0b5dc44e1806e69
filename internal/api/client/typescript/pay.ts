// Pays a payout with types that are made of docs/openapi.json, twice, and follows it to its outcome:
// KEY=... node out/pay.js http://127.0.0.1:8090
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

declare const process: { argv: string[]; env: Record<string, string | undefined>; exitCode: number };

const client = createClient<paths>({
  baseUrl: process.argv[2],
  headers: { Authorization: `Bearer ${process.env.KEY}` },
});

const payout: components["schemas"]["Payout"] = {
  type: "payout",
  provider: "virtualpos",
  merchant_id: "tef-typescript",
  amount: "12500",
  currency: "CLP",
  recipient: { document: "12345678-5", name: "Ana Soto" },
  bank: { code: "012", account_number: "12345678" },
};

async function pay(want: "enqueued" | "duplicate"): Promise<string> {
  const { data, error } = await client.POST("/v1/payouts", { body: payout });
  if (error) throw new Error(`${error.title}: ${error.detail}`);
  if (typeof data === "string") throw new Error("the result lines of a file");
  if (data.result !== want) throw new Error(`${data.result}, want ${want}`);
  return data.key ?? "";
}

async function follow(key: string, after: string): Promise<string> {
  for (;;) {
    const { data, error } = await client.GET("/v1/outcomes", { params: { query: { after, wait: 30 } } });
    if (error) throw new Error(`${error.title}: ${error.detail}`);
    after = data.cursor;
    const last = data.events.findLast((e) => e.key === key && (e.state === "succeeded" || e.state === "failed"));
    if (last) return last.state ?? "";
  }
}

const first = await client.GET("/v1/outcomes", { params: { query: { after: "now" } } });
if (first.error) throw new Error(first.error.title);
const key = await pay("enqueued");
await pay("duplicate");
console.log(key, await follow(key, first.data.cursor));
