/** Grafana's names of units, as far as they are used here. */
export type Unit = 'short' | 's' | 'bytes' | 'reqps' | 'percentunit' | 'rps' | 'none'

export interface Panel {
  readonly title: string
  /** What a reader is to look for. */
  readonly description: string
  readonly unit: Unit
  /** Default: curves over time. */
  readonly kind?: 'timeseries' | 'stat'
  readonly queries: readonly { readonly expr: string; readonly legend: string }[]
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

export interface Dashboard {
  /** Of its address in Grafana and of its file. */
  readonly uid: string
  readonly title: string
  /** A regular expression for the jobs that it can show. */
  readonly jobs: string
  readonly rows: readonly Row[]
}

/** Of Grafana's 24 columns. */
const WIDTH = 8
const HEIGHT = 8
const SCHEMA_VERSION = 39
const SOURCE = { type: 'prometheus', uid: '${source}' }

/** The dashboard as Grafana imports it: the data source and the service are chosen at the top of the page. */
export function grafanaJson(dashboard: Dashboard): object {
  return {
    uid: dashboard.uid,
    title: dashboard.title,
    tags: ['tributary'],
    schemaVersion: SCHEMA_VERSION,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: {
      list: [
        { name: 'source', label: 'Data source', type: 'datasource', query: 'prometheus' },
        {
          name: 'job',
          label: 'Service',
          type: 'query',
          datasource: SOURCE,
          query: `label_values(up{job=~"${dashboard.jobs}"}, job)`,
          refresh: 2,
          multi: true,
          includeAll: true,
          current: { text: 'All', value: '$__all' },
        },
      ],
    },
    panels: layOut(dashboard.rows),
  }
}

/** Every query, with the variables filled in as Grafana does. */
export function queriesOf(dashboard: Dashboard): string[] {
  const exprs = dashboard.rows.flatMap(row => row.panels).flatMap(panel => panel.queries)
  return exprs.map(({ expr }) =>
    expr.replaceAll('$job', dashboard.jobs).replaceAll('$__rate_interval', '1m').replaceAll('$__range', '5m'),
  )
}

function layOut(rows: readonly Row[]): object[] {
  const panels: object[] = []
  let y = 0
  for (const row of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: row.title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: 24, h: 1 },
    })
    y += 1
    for (const [index, panel] of row.panels.entries()) {
      const x = (index * WIDTH) % 24
      if (index > 0 && x === 0) y += HEIGHT
      panels.push(grafanaPanel(panel, panels.length + 1, { x, y, w: WIDTH, h: HEIGHT }))
    }
    y += HEIGHT
  }
  return panels
}

function grafanaPanel(panel: Panel, id: number, gridPos: object): object {
  const { kind = 'timeseries', title, description, unit, queries } = panel
  return {
    id,
    type: kind,
    title,
    description,
    datasource: SOURCE,
    gridPos,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: kind === 'stat' ? { reduceOptions: { calcs: ['lastNotNull'] } } : { tooltip: { mode: 'multi' } },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource: SOURCE,
      expr,
      legendFormat: legend,
      instant: kind === 'stat',
    })),
  }
}
