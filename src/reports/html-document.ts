import { invalid } from '../core/errors.js'
import { filledText, list, object, read, withMethods } from '../core/input.js'
import { pageToHTML } from './render/html.js'
import { element, escapeXml } from './render/svg.js'
import { moment } from './render/markdown.js'
import type { Report } from './report.js'

export interface DocumentOptions {
  readonly title: string
  /** A sentence under the title. */
  readonly subtitle?: string
  /** In the order in which they are shown. */
  readonly reports: readonly Report<unknown>[]
}

const documentOptions = object(
  { title: filledText, subtitle: filledText, reports: list(withMethods<Report<unknown>>('page', 'toMarkdown')) },
  ['title', 'reports'],
)

/**
 * One HTML document of several reports with their pictures: no scripts, nothing from outside, readable in light and dark,
 * on wide screens, narrow ones and paper. Text of others is escaped. Throws `invalid_input`.
 */
export function htmlDocument(options: DocumentOptions): string {
  const { title, subtitle, reports } = read(documentOptions, options, 'options')
  const [first] = reports
  if (!first) throw invalid('options.reports is empty; give it at least one report')
  const sections = reports.map((report, index) => {
    const page = report.page()
    return { id: `report-${index + 1}`, title: page.title, html: pageToHTML(page, report.toSVG?.()) }
  })
  const entry = (id: string, name: string): string => element('a', { href: `#${id}` }, escapeXml(name))
  const body = [
    '<header>',
    element('h1', {}, escapeXml(title)),
    element(
      'p',
      {},
      escapeXml(`${subtitle === undefined ? '' : `${subtitle} · `}as of ${moment(first.at)} UTC, commit ${first.seq}`),
    ),
    element('nav', {}, sections.map(({ id, title: name }) => entry(id, name)).join('')),
    '</header>',
    element('main', {}, sections.map(({ id, html }) => element('section', { id }, html)).join('\n')),
  ]
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(title)}</title>
<style>${STYLE}</style>
${body.join('\n')}
</html>
`
}

const STYLE = `
:root{color-scheme:light dark;--page:#f6f8fa;--card:#fff;--text:#1f2328;--soft:#59636e;--line:#d1d9e0;--link:#0969da;--shade:#0002}
@media(prefers-color-scheme:dark){:root{--page:#0d1117;--card:#151b23;--text:#e6edf3;--soft:#9198a1;--line:#3d444d;--link:#6cb0ff;--shade:#fff3}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,sans-serif}
header,main{max-width:76rem;margin:0 auto;padding:0 1rem}
header{padding-top:2rem}
h1{margin:0;font-size:1.75rem;line-height:1.2}
h2{margin:0 0 .75rem;font-size:1.2rem}
h3{margin:0 0 .5rem;font-size:1rem}
header p{margin:.25rem 0 1rem;color:var(--soft)}
nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem}
a{color:var(--link)}
section{margin:1.25rem 0;padding:1.25rem;background:var(--card);border:1px solid var(--line);border-radius:8px;scroll-margin-top:1rem}
.parts{display:flex;flex-wrap:wrap;gap:1rem 2rem;align-items:flex-start}
.parts>*{min-width:0;max-width:100%}
.parts>p,.parts>h3{flex:1 1 100%;margin:0}
figure,.table{margin:0;overflow-x:auto;background:linear-gradient(90deg,var(--card) 40%,transparent) 0 0/2rem 100% no-repeat local,linear-gradient(-90deg,var(--card) 40%,transparent) 100% 0/2rem 100% no-repeat local,linear-gradient(90deg,var(--shade),transparent) 0 0/.6rem 100% no-repeat,linear-gradient(-90deg,var(--shade),transparent) 100% 0/.6rem 100% no-repeat}
figure{flex:1 1 36rem}
figure svg{display:block;width:100%;min-width:34rem;max-width:52rem;height:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .9rem .3rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;overflow-wrap:anywhere}
td:not(.figure){min-width:9rem;max-width:44rem}
th{color:var(--soft);font-weight:600;white-space:nowrap}
.figure{text-align:right;white-space:nowrap}
code{font:.92em ui-monospace,monospace;background:var(--page);padding:.05em .3em;border-radius:4px}
@media print{body{background:none}section{break-inside:avoid-page;border:0;padding:0}nav{display:none}}
`
