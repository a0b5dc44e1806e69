// Takes webhooks of remesa and prints each event once, as KEY EVENT STATE. Needs nothing but Node 18:
//
//     WEBHOOK_SECRET_FILE=webhook.secret node receiver.mjs 127.0.0.1:9201
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const tolerance = 5 * 60; // seconds
const longest = 1 << 20; // bytes

// The bytes of a secret, whsec_ and base64.
const secret = (text) => Buffer.from(text.trim().replace(/^whsec_/, ""), "base64");

// Whether remesa signed this body, lately, with this key.
const verify = (key, headers, body, now) => {
  const { "webhook-id": id = "", "webhook-timestamp": at = "", "webhook-signature": signatures = "" } = headers;
  if (!id || !/^[0-9]+$/.test(at) || Math.abs(now - Number(at)) > tolerance) return false;
  const right = Buffer.from("v1," + createHmac("sha256", key).update(`${id}.${at}.`).update(body).digest("base64"));
  return signatures.split(" ").map((s) => Buffer.from(s)).some((given) => given.length === right.length && timingSafeEqual(given, right));
};

const key = secret(readFileSync(process.env.WEBHOOK_SECRET_FILE, "ascii"));
const seen = new Set(); // yours is a table with event_id as its key, written in the transaction that handles the event

const server = createServer((request, response) => {
  const answer = (code) => response.writeHead(code, { "content-length": 0 }).end();
  const chunks = [];
  let length = 0;
  request.on("data", (chunk) => {
    length += chunk.length;
    if (length <= longest) chunks.push(chunk);
  });
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    if (length > longest) return answer(413);
    if (request.method !== "POST" || !verify(key, request.headers, body, Date.now() / 1000)) return answer(401);
    const event = JSON.parse(body);
    if (!seen.has(event.event_id)) console.log(event.key, event.event, event.state ?? "-");
    seen.add(event.event_id);
    answer(204);
  });
});

const [, host, port] = /^(.*):([0-9]+)$/.exec(process.argv[2]);
server.listen(Number(port), host);
