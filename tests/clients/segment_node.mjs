// Sends orders with Segment's own client for Node: URL COUNT.
import { Analytics } from '@segment/analytics-node'

const [url, count] = [process.argv[2], Number(process.argv[3])]
const analytics = new Analytics({ writeKey: 'rk_secret_test', host: url, maxEventsInBatch: 100 })
const failed = []
analytics.on('error', (error) => failed.push(error))
for (let number = 0; number < count; number++) {
  analytics.track({
    userId: `c${number % 100}`,
    anonymousId: `a${number % 100}`,
    event: 'Order Completed',
    properties: {
      order_id: `o${number}`,
      currency: 'EUR',
      products: [{ product_id: 'tea', price: 2.5, quantity: 2 }],
    },
  })
}
await analytics.closeAndFlush({ timeout: 120000 })
if (failed.length) {
  console.error(failed[0])
  process.exit(1)
}
