// node-smpp as a client: binds as transceiver, sends the messages of a JSON file, waits for the receipt of everything
// accepted and for a number of MO messages, and prints what happens as JSON lines.
//   node node_client.js --port N --system-id ID --password SECRET --messages FILE --mo COUNT --timeout SECONDS
// FILE: [{"id", "from", "to", "text", "coding": 0|8}, ...]. Exit status 0 when everything arrived.
'use strict';
const fs = require('fs');
const smpp = require('smpp');
const { options, emit, parts, Joiner, message_octets, keep_octets } = require('./messages.js');
keep_octets(smpp);

const o = options(process.argv);
const messages = JSON.parse(fs.readFileSync(o.messages, 'utf8'));
const joiner = new Joiner();
const waiting = new Set();  // accepted ids whose receipt is not there
const early = new Set();    // receipts that overtook their response
let responses = messages.reduce((sum, m) => sum + parts(m.text, m.coding).length, 0);
let mo = Number(o.mo);

const session = smpp.connect({ host: o.host, port: Number(o.port) });
const end = (status, reason) => {
  emit(reason, { responses_missing: responses, receipts_missing: waiting.size, mo_missing: mo });
  process.exitCode = status;
  clearTimeout(timer);
  session.unbind(() => session.close());
  setTimeout(() => session.destroy(), 1000).unref();
};
const timer = setTimeout(() => end(1, 'timeout'), Number(o.timeout) * 1000);
const check = () => { if (responses === 0 && waiting.size === 0 && mo <= 0) end(0, 'done'); };

session.on('error', error => { emit('error', { message: String(error) }); process.exit(1); });
session.on('enquire_link', pdu => session.send(pdu.response()));
session.on('connect', () => {
  session.bind_transceiver({ system_id: o['system-id'], password: o.password, interface_version: 0x34 }, pdu => {
    emit('bound', { status: pdu.command_status });
    if (pdu.command_status !== 0) process.exit(1);
    messages.forEach(send);
    check();
  });
});

function send(message) {
  const cut = parts(message.text, message.coding);
  cut.forEach((octets, part) => {
    session.submit_sm({
      source_addr_ton: 1, source_addr_npi: 1, source_addr: message.from,
      dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: message.to,
      esm_class: cut.length > 1 ? 0x40 : 0, data_coding: message.coding, registered_delivery: 1,
      short_message: octets,
    }, pdu => {
      emit('response', { id: message.id, part, status: pdu.command_status, message_id: pdu.message_id });
      --responses;
      if (pdu.command_status === 0 && !early.delete(pdu.message_id)) waiting.add(pdu.message_id);
      check();
    });
  });
}

session.on('deliver_sm', pdu => {
  session.send(pdu.response());
  const octets = message_octets(pdu);
  if (pdu.esm_class & 0x04) {
    const text = octets.toString('latin1');
    const id = pdu.receipted_message_id || (/id:(\S+)/i.exec(text) || [])[1];
    const state = (/stat:(\w+)/i.exec(text) || [])[1];
    emit('receipt', { message_id: id, state, message_state: pdu.message_state });
    if (!waiting.delete(id)) early.add(id);
  } else {
    const text = joiner.take(pdu.source_addr, pdu.esm_class, pdu.data_coding, octets);
    if (text !== null) {
      emit('mo', { from: pdu.source_addr, to: pdu.destination_addr, text });
      --mo;
    }
  }
  check();
});
