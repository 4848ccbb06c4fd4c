// node-smpp as the least server it can be: accepts every bind, answers every submit_sm at once.
//   node node_sink.js MODULE PORT
'use strict';
const smpp = require(process.argv[2]);
let next = 0;
smpp.createServer(session => {
  for (const bind of ['bind_transceiver', 'bind_transmitter', 'bind_receiver'])
    session.on(bind, pdu => session.send(pdu.response({ system_id: 'node' })));
  session.on('submit_sm', pdu => session.send(pdu.response({ message_id: String(next++) })));
  session.on('enquire_link', pdu => session.send(pdu.response()));
  session.on('unbind', pdu => { session.send(pdu.response()); session.close(); });
  session.on('error', () => {});
}).listen(Number(process.argv[3]), '127.0.0.1');
