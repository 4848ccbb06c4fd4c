// What node_client.js and node_server.js share: options, JSON lines, and long messages with a user data header.
// Text goes out as octets made here, so that node-smpp's framing is tested and not its guess at an alphabet.
'use strict';

// --name value pairs; every option has a value.
function options(argv) {
  const found = { host: '127.0.0.1' };
  for (let i = 2; i + 1 < argv.length; i += 2) found[argv[i].replace(/^--/, '')] = argv[i + 1];
  return found;
}

function emit(event, fields) {
  process.stdout.write(JSON.stringify({ event, ...fields }) + '\n');
}

// GSM 03.38 for the characters the tests use; everything else of ASCII stands for itself in both alphabets.
const basic = { '@': 0x00, '$': 0x02, 'é': 0x05, 'ö': 0x7c, 'ä': 0x7b, 'ü': 0x7e, '_': 0x11 };
const extended = { '€': 0x65, '{': 0x28, '}': 0x29, '[': 0x3c, ']': 0x3e };
const from_basic = new Map(Object.entries(basic).map(([c, v]) => [v, c]));
const from_extended = new Map(Object.entries(extended).map(([c, v]) => [v, c]));

function to_octets(text, coding) {
  if (coding === 8) return Buffer.from(text, 'utf16le').swap16();
  const octets = [];
  for (const c of text) {
    if (c in extended) octets.push(0x1b, extended[c]);
    else octets.push(c in basic ? basic[c] : c.charCodeAt(0));
  }
  return Buffer.from(octets);
}

function to_text(octets, coding) {
  if (coding === 8) return Buffer.from(octets).swap16().toString('utf16le');
  let text = '';
  for (let i = 0; i < octets.length; ++i) {
    if (octets[i] === 0x1b) text += from_extended.get(octets[++i]) || '?';
    else text += from_basic.get(octets[i]) || String.fromCharCode(octets[i]);
  }
  return text;
}

let reference = 0;
// One buffer per part; a part of a long message begins with its concatenation header.
function parts(text, coding) {
  const octets = to_octets(text, coding);
  const [single, each] = coding === 8 ? [140, 134] : [160, 153];
  if (octets.length <= single) return [octets];
  const total = Math.ceil(octets.length / each);
  reference = (reference + 1) % 256;
  return Array.from({ length: total }, (_, i) =>
    Buffer.concat([Buffer.from([5, 0, 3, reference, total, i + 1]), octets.subarray(i * each, (i + 1) * each)]));
}

// Collects parts; take() returns the whole text once the last one is there, null until then.
class Joiner {
  constructor() { this.waiting = new Map(); }
  take(key, esm_class, coding, octets) {
    if (!(esm_class & 0x40)) return to_text(octets, coding);
    const header = octets.subarray(1, octets[0] + 1);
    const body = octets.subarray(octets[0] + 1);
    const wide = header[0] === 8;
    const ref = wide ? header.readUInt16BE(2) : header[2];
    const [total, number] = [header[wide ? 4 : 3], header[wide ? 5 : 4]];
    const id = `${key}/${ref}/${total}`;
    const have = this.waiting.get(id) || new Map();
    have.set(number, body);
    this.waiting.set(id, have);
    if (have.size < total) return null;
    this.waiting.delete(id);
    return to_text(Buffer.concat(Array.from({ length: total }, (_, i) => have.get(i + 1))), coding);
  }
}

// The raw octets of a PDU's message, wherever they are. Works on node-smpp's undecoded buffers, see keep_octets().
function message_octets(pdu) {
  const payload = pdu.message_payload;
  if (pdu.short_message && pdu.short_message.length) return pdu.short_message;
  return payload && payload.length ? payload : Buffer.alloc(0);
}

// Makes node-smpp hand out message octets as they came instead of decoding them.
function keep_octets(smpp) {
  for (const command of ['submit_sm', 'deliver_sm', 'data_sm']) {
    const field = smpp.commands[command].params.short_message;
    if (field) field.filter = undefined;
  }
  smpp.tlvs.message_payload.filter = undefined;
}

module.exports = { options, emit, parts, Joiner, message_octets, keep_octets };
