export { quote, type Quoted, type QuoteOptions } from './quote.js'
export { redact, type RedactOptions } from './redact.js'
export { type Role, rolePolicy } from './role-policy.js'
