// node-smpp as a message centre: accepts one user, answers every submit_sm, sends a receipt for each that asks, and after
// each bind sends the MO messages of a JSON file. What it accepted can be asked for, taken back and replaced; broadcasts
// are taken likewise. Prints what it accepted as JSON lines; runs until it is ended.
//   node node_server.js --port N --system-id ID --password SECRET [--mo FILE] [--tls-cert PEM --tls-key PEM [--tls-ca PEM]]
// With --tls-ca a client has to show a certificate of that authority.
// FILE: [{"from", "to", "text", "coding": 0|8}, ...]
'use strict';
const fs = require('fs');
const smpp = require('smpp');
const { options, emit, parts, Joiner, message_octets, keep_octets } = require('./messages.js');
keep_octets(smpp);

const o = options(process.argv);
const mo = o.mo ? JSON.parse(fs.readFileSync(o.mo, 'utf8')) : [];
const RBINDFAIL = 0x0000000d, DELIVERED = 2;
const ENROUTE = 1, DELETED = 4, RCANCELFAIL = 0x11, RREPLACEFAIL = 0x13, RQUERYFAIL = 0x67;
const messages = new Map();  // by id: { state, text, source }
const receivers = [];        // sessions that take deliver_sm, the latest last
let next_id = 1000;

function two(n) { return String(n).padStart(2, '0'); }
function stamp(d) {
  return `${two(d.getUTCFullYear() % 100)}${two(d.getUTCMonth() + 1)}${two(d.getUTCDate())}` +
    `${two(d.getUTCHours())}${two(d.getUTCMinutes())}`;
}

function send_receipt(session, pdu, message_id) {
  const now = stamp(new Date());
  const text = `id:${message_id} sub:001 dlvrd:001 submit date:${now} done date:${now} stat:DELIVRD err:000 text:`;
  session.deliver_sm({
    source_addr_ton: pdu.dest_addr_ton, source_addr_npi: pdu.dest_addr_npi, source_addr: pdu.destination_addr,
    dest_addr_ton: pdu.source_addr_ton, dest_addr_npi: pdu.source_addr_npi, destination_addr: pdu.source_addr,
    esm_class: 0x04, data_coding: 0, short_message: Buffer.from(text, 'latin1'),
    receipted_message_id: message_id, message_state: DELIVERED,
  }, answer => emit('receipt_response', { message_id, status: answer.command_status }));
}

function send_mo(session, message) {
  const cut = parts(message.text, message.coding);
  for (const octets of cut) {
    session.deliver_sm({
      source_addr_ton: 1, source_addr_npi: 1, source_addr: message.from,
      dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: message.to,
      esm_class: cut.length > 1 ? 0x40 : 0, data_coding: message.coding, short_message: octets,
    }, answer => emit('mo_response', { status: answer.command_status }));
  }
}

const read = name => (o[name] ? fs.readFileSync(o[name]) : undefined);
const tls = o['tls-key'] ? {
  key: read('tls-key'), cert: read('tls-cert'), ca: read('tls-ca'),
  requestCert: Boolean(o['tls-ca']), rejectUnauthorized: Boolean(o['tls-ca']),
} : {};
const server = smpp.createServer(tls, session => {
  const joiner = new Joiner();
  const bind = pdu => {
    if (pdu.system_id !== o['system-id'] || pdu.password !== o.password) {
      emit('refused', { system_id: pdu.system_id });
      session.send(pdu.response({ command_status: RBINDFAIL }));
      return;
    }
    session.send(pdu.response({ system_id: 'node' }));
    emit('bound', { command: pdu.command });
    if (pdu.command !== 'bind_transmitter') receivers.push(session);
    if (pdu.command !== 'bind_transmitter') mo.forEach(message => send_mo(session, message));
  };
  session.on('bind_transceiver', bind);
  session.on('bind_transmitter', bind);
  session.on('bind_receiver', bind);
  session.on('submit_sm', pdu => {
    const message_id = String(next_id++);
    session.send(pdu.response({ message_id }));
    const key = `${pdu.source_addr}/${pdu.destination_addr}`;
    const text = joiner.take(key, pdu.esm_class, pdu.data_coding, message_octets(pdu));
    emit('submit', { message_id });
    messages.set(message_id, { state: pdu.registered_delivery & 1 ? DELIVERED : ENROUTE, source: pdu.source_addr });
    if (text !== null) emit('message', { from: pdu.source_addr, to: pdu.destination_addr, text });
    const receiver = receivers.includes(session) ? session : receivers.at(-1);
    if (pdu.registered_delivery & 1 && receiver) send_receipt(receiver, pdu, message_id);
  });
  const known = pdu => {
    const found = messages.get(pdu.message_id);
    return found && found.source === pdu.source_addr ? found : null;
  };
  session.on('query_sm', pdu => {
    const m = known(pdu);
    session.send(m ? pdu.response({ message_id: pdu.message_id, message_state: m.state, final_date: '', error_code: 0 })
      : pdu.response({ command_status: RQUERYFAIL }));
  });
  session.on('cancel_sm', pdu => {
    const m = known(pdu);
    if (m) m.state = DELETED;
    emit('cancel', { message_id: pdu.message_id, to: pdu.destination_addr });
    session.send(pdu.response({ command_status: m ? 0 : RCANCELFAIL }));
  });
  session.on('replace_sm', pdu => {
    const m = known(pdu);
    emit('replace', { message_id: pdu.message_id, text: message_octets(pdu).toString('latin1') });
    session.send(pdu.response({ command_status: m ? 0 : RREPLACEFAIL }));
  });
  session.on('broadcast_sm', pdu => {
    const message_id = String(next_id++);
    messages.set(message_id, { state: ENROUTE, source: pdu.source_addr });
    emit('broadcast', { message_id, repetitions: pdu.broadcast_rep_num, text: message_octets(pdu).toString('latin1') });
    session.send(pdu.response({ message_id }));
  });
  session.on('query_broadcast_sm', pdu => {
    const m = known(pdu);
    session.send(m ? pdu.response({ message_id: pdu.message_id, message_state: m.state })
      : pdu.response({ command_status: RQUERYFAIL }));
  });
  session.on('cancel_broadcast_sm', pdu => {
    const m = known(pdu);
    if (m) m.state = DELETED;
    session.send(pdu.response({ command_status: m ? 0 : RCANCELFAIL }));
  });
  session.on('enquire_link', pdu => session.send(pdu.response()));
  session.on('close', () => {
    if (receivers.includes(session)) receivers.splice(receivers.indexOf(session), 1);
  });
  session.on('unbind', pdu => { session.send(pdu.response()); session.close(); });
  session.on('error', error => emit('session_error', { message: String(error) }));
});
server.listen(Number(o.port), o.host, () => emit('listening', { port: Number(o.port) }));
