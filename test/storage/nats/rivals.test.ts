import { sharesWork } from '../../support/rivals/shares-work.js'

await sharesWork('nats')
