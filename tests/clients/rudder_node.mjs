// Sends orders with RudderStack's own client for Node: URL COUNT.
import RudderAnalytics from '@rudderstack/rudder-sdk-node'

const [url, count] = [process.argv[2], Number(process.argv[3])]
const Client = RudderAnalytics.default ?? RudderAnalytics
const analytics = new Client('rk_secret_test', {
  dataPlaneUrl: url,
  flushAt: 100,
  maxInternalQueueSize: count + 1,
  logLevel: 'error',
})
let told = 0
const failed = []
const heard = (error) => {
  told++
  if (error) failed.push(error)
}
for (let number = 0; number < count; number++) {
  const order = {
    userId: `c${number % 100}`,
    anonymousId: `a${number % 100}`,
    event: 'Order Completed',
    properties: {
      order_id: `o${number}`,
      currency: 'EUR',
      products: [{ product_id: 'tea', price: 2.5, quantity: 2 }],
    },
  }
  analytics.track(order, heard)
  // The client measures its whole queue with every call: a short one keeps it quick.
  while (analytics.queue.length >= 100) await analytics.flush()
}
while (told < count) {
  await analytics.flush()
  await new Promise((resolve) => setTimeout(resolve, 1))
}
if (failed.length) console.error(failed[0])
process.exit(failed.length ? 1 : 0)
