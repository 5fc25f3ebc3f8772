export type { Cell, Chart, Column, Page, PicturedDefinition, ReportDefinition, Table, Unit } from './report.js'
export type { ReportView, Window } from './report-view.js'
export { type DocumentOptions, htmlDocument } from './html-document.js'
