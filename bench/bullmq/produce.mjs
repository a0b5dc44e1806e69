// Adds payouts, in bulk or at a steady rate; a rate prints "merchant_id due_ns" for each.
//   node produce.mjs --redis HOST:PORT --run r1 --n 5000 [--rate 200]
import { Queue } from 'bullmq'
import { connection, line, option, queueName } from './common.mjs'

const redis = connection(option('redis'))
const queue = new Queue(queueName, { connection: redis, defaultJobOptions: { removeOnComplete: true } })
const [run, n, rate] = [option('run', 'r'), Number(option('n', '1000')), Number(option('rate', '0'))]

if (rate === 0) {
  for (let from = 0; from < n; from += 1000) {
    const jobs = []
    for (let i = from; i < Math.min(from + 1000, n); i++) jobs.push({ name: 'payout', data: line(run, i) })
    await queue.addBulk(jobs)
  }
} else {
  await queue.add('payout', line(run, n)) // warms up
  const out = []
  const waiting = []
  const start = performance.now() + 100
  for (let i = 0; i < n;) {
    const due = start + i * 1000 / rate
    const early = due - performance.now()
    if (early > 0) {
      await new Promise(resolve => setTimeout(resolve, early))
      continue
    }
    const data = line(run, i++)
    out.push(`${data.merchant_id} ${Math.round((performance.timeOrigin + due) * 1e6)}`)
    waiting.push(queue.add('payout', data))
  }
  await Promise.all(waiting)
  console.log(out.join('\n'))
}
await queue.close()
redis.disconnect()
