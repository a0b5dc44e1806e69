// What the scripts share: the queue, its connection, the work of one payout.
import IORedis from 'ioredis'
import { Agent, request } from 'undici'

export const queueName = 'payouts'

// connection is as BullMQ's page "Going to production" has it for workers.
export function connection (addr) {
  const [host, port] = addr.split(':')
  return new IORedis({ host, port: Number(port), maxRetriesPerRequest: null })
}

export function option (name, fallback) {
  const i = process.argv.indexOf('--' + name)
  return i < 0 ? fallback : process.argv[i + 1]
}

// line is the same payout as payment.Line.
export function line (run, number) {
  const n = String(number).padStart(8, '0')
  return {
    type: 'payout',
    provider: 'virtualpos',
    merchant_id: `${run}-${10000000 + number}`,
    amount: '12500',
    currency: 'CLP',
    description: `Devolución OC ${n}, cuota 2 de 3`,
    recipient: { document: '12345678-5', name: 'Ana María Soto Valenzuela', email: 'ana.soto.valenzuela@correo.example' },
    bank: { code: '012', account_number: '000012345678' },
    metadata: {
      invoice: `F-2026-${n}`,
      cost_center: '4410-tesoreria',
      batch: 'nomina-2026-11',
      order: 'OC-2026-00042177',
      note: 'aprobado por finanzas el 2026-11-26, segunda cuota del convenio'
    }
  }
}

// payer sends payouts over kept connections.
export function payer (base, inFlight) {
  const dispatcher = new Agent({ connections: inFlight, keepAliveTimeout: 60_000 })
  const headers = { 'content-type': 'application/json', authorization: 'sandbox-api-key', signature: 's'.repeat(560) }
  return async function pay (p) {
    const body = JSON.stringify({
      tef: {
        merchant_id: p.merchant_id,
        message: p.description,
        amount: Number(p.amount),
        recipient: { rut: p.recipient.document, name: p.recipient.name, email: p.recipient.email },
        bank: { sbif_code: p.bank.code, account_number: p.bank.account_number }
      }
    })
    const reply = await request(base + '/v3/payout', { method: 'POST', headers, body, dispatcher })
    const answer = await reply.body.json()
    if (reply.statusCode !== 200 || answer.status !== 'OK' || answer.payout.status !== 'pagado') throw new Error('payout refused: ' + reply.statusCode)
    return answer.payout.id
  }
}
