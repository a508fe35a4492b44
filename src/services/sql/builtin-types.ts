import type { ScalarForm, TypeInfo } from './type-info.ts'

/** OID of the type, OID of its arrays, name. The OIDs are part of PostgreSQL's protocol and never change. */
type Row = readonly [oid: number, array: number, name: string]

const rows: Readonly<Record<ScalarForm, readonly Row[]>> = {
  bool: [[16, 1000, 'boolean']],
  int: [
    [21, 1005, 'smallint'],
    [23, 1007, 'integer'],
    [26, 1028, 'oid'],
  ],
  bigint: [[20, 1016, 'bigint']],
  numeric: [
    [1700, 1231, 'numeric'],
    [790, 791, 'money'],
  ],
  float: [
    [700, 1021, 'real'],
    [701, 1022, 'double precision'],
  ],
  json: [
    [114, 199, 'json'],
    [3802, 3807, 'jsonb'],
  ],
  bytea: [[17, 1001, 'bytea']],
  timestamp: [[1114, 1115, 'timestamp without time zone']],
  timestamptz: [[1184, 1185, 'timestamp with time zone']],
  timetz: [[1266, 1270, 'time with time zone']],
  vector: [
    [22, 1006, 'int2vector'],
    [30, 1013, 'oidvector'],
  ],
  void: [[2278, 0, 'void']],
  text: [
    [18, 1002, '"char"'],
    [19, 1003, 'name'],
    [24, 1008, 'regproc'],
    [25, 1009, 'text'],
    [27, 1010, 'tid'],
    [28, 1011, 'xid'],
    [29, 1012, 'cid'],
    [142, 143, 'xml'],
    [600, 1017, 'point'],
    [601, 1018, 'lseg'],
    [602, 1019, 'path'],
    [603, 1020, 'box'],
    [604, 1027, 'polygon'],
    [628, 629, 'line'],
    [650, 651, 'cidr'],
    [705, 0, 'unknown'],
    [718, 719, 'circle'],
    [774, 775, 'macaddr8'],
    [829, 1040, 'macaddr'],
    [869, 1041, 'inet'],
    [1033, 1034, 'aclitem'],
    [1042, 1014, 'character'],
    [1043, 1015, 'character varying'],
    [1082, 1182, 'date'],
    [1083, 1183, 'time without time zone'],
    [1186, 1187, 'interval'],
    [1560, 1561, 'bit'],
    [1562, 1563, 'bit varying'],
    [1790, 2201, 'refcursor'],
    [2202, 2207, 'regprocedure'],
    [2203, 2208, 'regoper'],
    [2204, 2209, 'regoperator'],
    [2205, 2210, 'regclass'],
    [2206, 2211, 'regtype'],
    [2249, 2287, 'record'],
    [2275, 1263, 'cstring'],
    [2277, 0, 'anyarray'],
    [2950, 2951, 'uuid'],
    [2970, 2949, 'txid_snapshot'],
    [3220, 3221, 'pg_lsn'],
    [3614, 3643, 'tsvector'],
    [3615, 3645, 'tsquery'],
    [3734, 3735, 'regconfig'],
    [3769, 3770, 'regdictionary'],
    [3904, 3905, 'int4range'],
    [3906, 3907, 'numrange'],
    [3908, 3909, 'tsrange'],
    [3910, 3911, 'tstzrange'],
    [3912, 3913, 'daterange'],
    [3926, 3927, 'int8range'],
    [4072, 4073, 'jsonpath'],
    [4089, 4090, 'regnamespace'],
    [4096, 4097, 'regrole'],
    [4191, 4192, 'regcollation'],
    [4451, 6150, 'int4multirange'],
    [4532, 6151, 'nummultirange'],
    [4533, 6152, 'tsmultirange'],
    [4534, 6153, 'tstzmultirange'],
    [4535, 6155, 'datemultirange'],
    [4536, 6157, 'int8multirange'],
    [5038, 5039, 'pg_snapshot'],
    [5069, 271, 'xid8'],
  ],
}

const box = 603

/** The types that every server has, by OID, so that they need not be asked for. */
export const builtinTypes: ReadonlyMap<number, TypeInfo> = new Map(entries())

function* entries(): Generator<readonly [number, TypeInfo]> {
  for (const form of forms()) {
    for (const [oid, array, name] of rows[form]) {
      const element = { form, name }
      yield [oid, element]
      const delimiter = oid === box ? ';' : ','
      if (array > 0) yield [array, { form: 'array', name: `${name}[]`, element, delimiter }]
    }
  }
}

function forms(): readonly ScalarForm[] {
  // The keys of the table are the forms; Object.keys only forgets it.
  return Object.keys(rows) as ScalarForm[]
}
