/** URLs whose host is an address that no job may reach, in spellings that a filter on texts would miss. */
import type { HostileGroup } from './hostile-addresses.ts'

/** The same few addresses, written so that a filter on texts would miss them. */
const disguised: readonly HostileGroup[] = [
  ['Loopback', ['http://2130706433/', 'https://2130706433:443/', 'http://2130706434/x', 'http://2147483647/']],
  [
    'Loopback',
    [
      'http://0x7f000001/',
      'http://0x7F000001:80/',
      'http://0X7f000001/',
      'http://0x7f.0x0.0x0.0x1/',
      'http://0x000000007f.1/',
    ],
  ],
  [
    'Loopback',
    [
      'http://017700000001/',
      'http://0177.0.0.1/',
      'http://0177.0.0.01/',
      'http://000000000177.0.0.1/',
      'http://0177.00.00.01/',
    ],
  ],
  [
    'Loopback',
    ['http://127.1/', 'http://127.0.1/', 'http://127.65535/', 'http://127.0.65535/', 'http://127.16777215/'],
  ],
  [
    'Loopback',
    [
      'http://0x7f.1/',
      'http://0177.1/',
      'http://0x7f.0.1/',
      'http://127.0x1/',
      'http://0177.0x0.0.1/',
      'http://127.0.0.0x1/',
      'http://127.0x.0.1/',
    ],
  ],
  ['Loopback', ['http://127.0.0.1./', 'http://127.1./', 'http://2130706433./', 'http://0x7f000001.:80/']],
  ['Loopback', ['http://%31%32%37.0.0.1/', 'http://127%2e0%2e0%2e1/', 'http://%30x7f.1/', 'http://127.0.0.%31:80/']],
  [
    'Loopback',
    [
      'http://①②⑦.⓪.⓪.①/',
      'http://１２７．０．０．１/',
      'http://127。0。0。1/',
      'http://127｡0｡0｡1/',
      'http://１２７.1/',
      'http://⑫7.0.0.1/',
    ],
  ],
  [
    'Loopback',
    [
      'http://𝟏𝟐𝟕.𝟎.𝟎.𝟏/',
      'http://¹²⁷.⁰.⁰.¹/',
      'http://₁₂₇.₀.₀.₁/',
      'http://0ⓧ7f.1/',
      'http://0Ｘ7F000001/',
      'http://127.0.0.1。/',
    ],
  ],
  [
    'Loopback',
    [
      'http://127.0.0.1\u200b/',
      'http://127\u00ad.0.0.1/',
      'http://127.0.\u20600.1/',
      'http://127.0.0.\ufe0f1/',
      'http://\ufeff127.0.0.1/',
    ],
  ],
  [
    'Loopback',
    [
      'http:127.0.0.1',
      'http:/127.0.0.1/',
      'http:///127.0.0.1/',
      'http://///127.0.0.1/',
      'http:\\\\127.0.0.1\\',
      'http:/\\127.0.0.1/',
      'https:\\127.0.0.1',
    ],
  ],
  [
    'Loopback',
    [
      'ht\ttp://127.0.0.1/',
      'http://127.\n0.0.1/',
      'http:\r\n//127.0.0.1/',
      'http://12\t7.0.0.1:80\t80/',
      '  http://127.0.0.1/  ',
      '\u0000http://127.0.0.1/',
      'http:/\t/127.0.0.1',
    ],
  ],
  [
    'Loopback',
    [
      'HTTP://127.0.0.1/',
      'hTTpS://127.0.0.1/',
      'http://127.0.0.1',
      'http://127.0.0.1?@example.com/',
      'http://127.0.0.1#@example.com/',
    ],
  ],
  [
    'Loopback',
    [
      'http://127.0.0.1\\@example.com/',
      'http://127.0.0.1/@example.com',
      'http://127.0.0.1:80/https://example.com/',
      'http://127.0.0.1:00080/',
      'http://127.0.0.1:/',
    ],
  ],
  [
    'Loopback',
    [
      'http://@127.0.0.1/',
      'http://:@127.0.0.1/',
      'http://127.0.0.1:65535/',
      'http://127.0.0.1/?url=https://example.com',
    ],
  ],
  [
    'Private-Use',
    [
      'http://167772161/',
      'http://0xa000001/',
      'http://012.0.0.1/',
      'http://10.1/',
      'http://0xa.0.1/',
      'http://10.0x000001/',
    ],
  ],
  [
    'Private-Use',
    [
      'http://3232235521/',
      'http://0xc0a80001/',
      'http://0300.0250.0.1/',
      'http://192.168.1/',
      'http://192.11010049/',
      'http://0xC0.0250.1/',
      'http://１９２．１６８．１．１/',
    ],
  ],
  [
    'Private-Use',
    ['http://2886729729/', 'http://0xac100001/', 'http://0254.020.1/', 'http://172.1048577/', 'http://①⑦②.①⑥.⓪.①/'],
  ],
  [
    'Link Local',
    [
      'http://2852039166/',
      'http://0xa9fea9fe/',
      'http://0xa9.0xfe.0xa9.0xfe/',
      'http://0251.0376.0251.0376/',
      'http://025177524776/',
      'http://169.254.43518/',
    ],
  ],
  [
    'Link Local',
    [
      'http://169.16689662/',
      'http://0xa9.254.0251.254/',
      'http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/',
      'http://169。254。169。254/',
      'http://0xA9FEA9FE:80/latest/',
      'http://0251.254.169.254/',
      'http://169.254.169.254./',
    ],
  ],
  [
    'This host on this network',
    ['http://0.0/', 'http://0x.0x.0x/', 'http://0.0.0/', 'http://000000000000.0/', 'http://⓪/', 'http://０/'],
  ],
]

/** IPv6 that carries an IPv4 address, which a translator or tunnel on the way may unpack. */
const carrying: readonly HostileGroup[] = [
  [
    'IPv4-mapped Address',
    [
      'http://[::ffff:127.0.0.1]/',
      'http://[::ffff:7f00:1]/',
      'http://[0:0:0:0:0:ffff:7f00:1]/',
      'http://[::FFFF:127.0.0.1]:80/',
    ],
  ],
  [
    'IPv4-mapped Address',
    [
      'http://[::ffff:169.254.169.254]/',
      'http://[::ffff:a9fe:a9fe]/',
      'http://[::ffff:10.0.0.1]/',
      'http://[::ffff:0:0]/',
    ],
  ],
  [
    'IPv4-mapped Address',
    ['http://[0000:0000:0000:0000:0000:ffff:c0a8:0001]/', 'http://[::ffff:8.8.8.8]/', 'https://[::ffff:1.1.1.1]/'],
  ],
  [
    'Deprecated (IPv4-compatible Address)',
    [
      'http://[::127.0.0.1]/',
      'http://[::7f00:1]/',
      'http://[::169.254.169.254]/',
      'http://[::a9fe:a9fe]/',
      'http://[::8.8.8.8]/',
      'http://[::2]/',
    ],
  ],
  [
    'IPv4-IPv6 Translat.',
    [
      'http://[64:ff9b::127.0.0.1]/',
      'http://[64:ff9b::a9fe:a9fe]/',
      'http://[64:ff9b::10.0.0.1]/',
      'http://[64:FF9B::8.8.8.8]/',
    ],
  ],
  [
    'IPv4-IPv6 Translat.',
    ['http://[64:ff9b:1::127.0.0.1]/', 'http://[64:ff9b:1:ffff::a00:1]/', 'http://[64:ff9b:1::a9fe:a9fe]/'],
  ],
  [
    '6to4',
    [
      'http://[2002:7f00:1::]/',
      'http://[2002:a00:1::1]/',
      'http://[2002:a9fe:a9fe::1]/',
      'http://[2002:c0a8:101::1]/',
      'http://[2002:808:808::1]/',
    ],
  ],
  [
    'TEREDO',
    [
      'http://[2001::1]/',
      'http://[2001:0:7f00:1::]/',
      'http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/',
      'http://[2001:0000:a9fe:a9fe::ffff]/',
    ],
  ],
]

/** Each refused as `special_address`, by the range beside it. */
export const disguisedAddresses: readonly HostileGroup[] = [...disguised, ...carrying]
