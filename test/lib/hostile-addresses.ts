/** URLs whose host is an address that no job may reach, plainly written: each is refused as `special_address`. */

/** The name of the range that refuses them, and the URLs. */
export type HostileGroup = readonly [range: string, urls: readonly string[]]

/** Plain spellings, one or more for every block of the registries. */
const plain: readonly HostileGroup[] = [
  ['This network', ['http://0.0.0.1/', 'http://0.255.255.255/', 'http://0.1.2.3:8080/']],
  ['This host on this network', ['http://0.0.0.0/', 'https://0.0.0.0:8443/', 'http://0/', 'http://0x0/', 'http://00/']],
  ['Private-Use', ['http://10.0.0.1/', 'http://10.255.255.255/', 'http://172.16.0.1/', 'http://172.31.255.255/']],
  ['Private-Use', ['http://192.168.0.1/', 'http://192.168.255.255:9200/_search', 'https://192.168.1.254/admin']],
  [
    'Shared Address Space',
    ['http://100.64.0.1/', 'http://100.127.255.255/', 'http://100.100.100.200/latest/meta-data/'],
  ],
  [
    'Loopback',
    [
      'http://127.0.0.1/',
      'http://127.0.0.1:22/',
      'http://127.255.255.254/',
      'https://127.0.0.53/',
      'http://127.127.127.127/',
    ],
  ],
  [
    'Link Local',
    ['http://169.254.0.1/', 'http://169.254.255.255/', 'http://169.254.169.254/', 'http://169.254.169.123/'],
  ],
  ['IETF Protocol Assignments', ['http://192.0.0.11/', 'http://192.0.0.255/', 'http://192.0.0.192/opc/v2/instance/']],
  ['IPv4 Service Continuity Prefix', ['http://192.0.0.0/', 'http://192.0.0.7/']],
  ['IPv4 dummy address', ['http://192.0.0.8/']],
  ['NAT64/DNS64 Discovery', ['http://192.0.0.170/', 'http://192.0.0.171/']],
  ['Documentation (TEST-NET-1)', ['http://192.0.2.0/', 'http://192.0.2.255/']],
  ['Deprecated (6to4 Relay Anycast)', ['http://192.88.99.0/', 'http://192.88.99.1/']],
  ['6a44-relay anycast address', ['http://192.88.99.2/']],
  [
    'Benchmarking',
    ['http://198.18.0.1/', 'http://198.19.255.255/', 'http://[2001:2::1]/', 'http://[2001:2:0:ffff::]/'],
  ],
  ['Documentation (TEST-NET-2)', ['http://198.51.100.7/']],
  ['Documentation (TEST-NET-3)', ['http://203.0.113.7/']],
  ['Multicast', ['http://224.0.0.1/', 'http://239.255.255.250:1900/', 'http://[ff02::1]/', 'http://[ff0e::101]/']],
  ['Reserved', ['http://240.0.0.1/', 'http://254.1.2.3/', 'http://255.255.255.254/']],
  ['Limited Broadcast', ['http://255.255.255.255/', 'http://4294967295/', 'http://0xffffffff/']],
  ['Unspecified Address', ['http://[::]/', 'http://[0:0:0:0:0:0:0:0]:80/', 'http://[::0.0.0.0]/']],
  [
    'Loopback Address',
    [
      'http://[::1]/',
      'https://[::1]:8443/',
      'http://[0:0:0:0:0:0:0:1]/',
      'http://[0000:0000::0001]/',
      'http://[::0.0.0.1]/',
    ],
  ],
  ['Discard-Only Address Block', ['http://[100::1]/', 'http://[0100::dead:beef]/']],
  ['Dummy IPv6 Prefix', ['http://[100:0:0:1::1]/']],
  [
    'IETF Protocol Assignments',
    ['http://[2001:1::4]/', 'http://[2001:5::1]/', 'http://[2001:1ff::1]/', 'http://[2001:40::1]/'],
  ],
  ['Deprecated (previously ORCHID)', ['http://[2001:10::1]/', 'http://[2001:1f:ffff::1]/']],
  [
    'Documentation',
    ['http://[2001:db8::1]/', 'http://[2001:DB8:FFFF::]/', 'http://[3fff::1]/', 'http://[3fff:fff::1]/'],
  ],
  ['Segment Routing (SRv6) SIDs', ['http://[5f00::1]/']],
  [
    'Unique-Local',
    ['http://[fc00::1]/', 'http://[fd00::1]/', 'http://[fdff:ffff::1]/', 'http://[FD12:3456:789A::1]:8080/'],
  ],
  ['Link-Local Unicast', ['http://[fe80::1]/', 'http://[FE80::A9FE:A9FE]/', 'http://[febf::1]/']],
  ['Deprecated (Site-Local Unicast)', ['http://[fec0::1]/', 'http://[feff::1]/']],
  [
    'Not Global Unicast',
    [
      'http://[200::1]/',
      'http://[1fff::1]/',
      'http://[4000::1]/',
      'http://[fbff::1]/',
      'http://[::1:0:0:1]/',
      'http://[64:ff9b:2::1]/',
    ],
  ],
]

/** Where clouds keep what their machines may know of themselves, credentials included, as far as not named above. */
const metadata: readonly HostileGroup[] = [
  [
    'Link Local',
    [
      'http://169.254.169.254/latest/meta-data/iam/security-credentials/',
      'http://169.254.169.254/computeMetadata/v1/?recursive=true',
    ],
  ],
  [
    'Link Local',
    [
      'http://169.254.169.254/metadata/instance?api-version=2021-02-01',
      'http://169.254.169.254/openstack/latest/meta_data.json',
      'http://169.254.169.254/metadata/v1.json',
    ],
  ],
  [
    'Link Local',
    [
      'http://169.254.170.2/v2/credentials/',
      'http://169.254.170.23/v1/credentials',
      'http://169.254.169.250/latest/',
      'http://169.254.42.42/conf?format=json',
      'http://169.254.0.23/latest/',
    ],
  ],
  [
    'Unique-Local',
    [
      'http://[fd00:ec2::254]/latest/meta-data/',
      'http://[fd00:ec2::23]/v1/credentials',
      'http://[fd20:ce::254]/computeMetadata/v1/',
      'http://[fd00:42::42]/conf',
      'http://[fd00:a9fe:a9fe::1]/v1/',
    ],
  ],
  ['Link-Local Unicast', ['http://[fe80::a9fe:a9fe]/openstack/latest/meta_data.json']],
  [
    'Azure platform',
    [
      'http://168.63.129.16/?comp=versions',
      'http://0xa83f8110/machine?comp=goalstate',
      'http://2822734096/',
      'http://168.63.33040:32526/vmSettings',
    ],
  ],
]

/** Each refused by the range beside it. */
export const plainAddresses: readonly HostileGroup[] = [...plain, ...metadata]
