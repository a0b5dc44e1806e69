// A BullMQ worker that pays with the common guard: a key set before the request, its result after.
//   node worker.mjs --redis HOST:PORT --simulator URL --concurrency 64
import { Worker } from 'bullmq'
import { connection, option, payer, queueName } from './common.mjs'

const concurrency = Number(option('concurrency', '64'))
const redis = connection(option('redis'))
const pay = payer(option('simulator'), concurrency)
const day = 24 * 60 * 60

const worker = new Worker(queueName, async job => {
  const key = 'payout:' + job.data.merchant_id
  if (await redis.set(key, 'started', 'EX', day, 'NX') === null) {
    if (await redis.get(key) !== 'started') return 'paid before'
    throw new Error('started before, with an unknown end')
  }
  const id = await pay(job.data)
  await redis.set(key, id, 'EX', day)
  return id
}, { connection: connection(option('redis')), concurrency, removeOnComplete: { count: 0 } })

worker.on('error', err => console.error(err.message))
worker.on('failed', (job, err) => console.error(job?.id, err.message))
process.on('SIGTERM', async () => { await worker.close(); process.exit(0) })
