#!/usr/bin/env node
// A small tunnel: IP packets from a TUN device in UDP datagrams of the reference tunnel's plain format. The
// environment of docs/exec.md says between which addresses. Node.js has no ioctl, so whoever starts it opens
// the device and hands it over as descriptor 3.
//
//   lang-node.js            one packet for each system call
//   lang-node.js --vectors  answers the questions on stdin (vectors.js)
'use strict';

const dgram = require('node:dgram');
const fs = require('node:fs');
const { HEADER_LEN, open, seal } = require('./wire.js');
const { Window } = require('./window.js');

const TUN = 3;
const PORT = 4754;
const SOCKET_BUFFER = 4 << 20; // bytes, each way

function die(what, err) {
	console.error(`lang-node: ${what}: ${err.message}`);
	process.exit(1);
}

function setting(name) {
	const value = process.env[name];
	if (value === undefined) {
		console.error(`lang-node: ${name} is not set: see docs/exec.md`);
		process.exit(2);
	}
	return value;
}

// outward sends packets from the device to the peer, one by one: the next one is read when the last one is sent.
// A packet that the socket refuses is dropped. The first number is the time, so that numbers are above those
// of an earlier start.
function outward(socket, mtu) {
	const datagram = Buffer.allocUnsafe(HEADER_LEN + mtu + 1); // one byte more than fits shows what is too long
	let sequence = BigInt(Date.now()) * 1000000n;
	let high = Number(sequence >> 32n);
	let low = Number(sequence & 0xffffffffn);

	const read = () => fs.read(TUN, datagram, HEADER_LEN, mtu + 1, null, send);
	const send = (err, n) => {
		if (err) die('read from the TUN device', err);
		if (n > mtu) return read();
		seal(datagram, HEADER_LEN + n, high, low);
		low = (low + 1) >>> 0;
		if (low === 0) high = (high + 1) >>> 0;
		socket.send(datagram, 0, HEADER_LEN + n, read);
	};
	read();
}

// inward writes packets from the peer to the device, one by one.
function inward(socket, mtu) {
	const window = new Window();
	socket.on('message', (datagram) => {
		if (open(window, datagram, mtu) !== 'accepted') return;
		try {
			fs.writeSync(TUN, datagram, HEADER_LEN);
		} catch {
			// a packet that the device refuses is dropped
		}
	});
}

function main() {
	const [local, peer, mtu] = [setting('TB_LOCAL'), setting('TB_PEER'), Number(setting('TB_MTU'))];
	const socket = dgram.createSocket({ type: 'udp4', recvBufferSize: SOCKET_BUFFER, sendBufferSize: SOCKET_BUFFER });
	socket.on('error', (err) => {
		if (err.code !== 'ECONNREFUSED') die('socket', err); // an ICMP error: the peer has not started yet
	});
	socket.bind({ address: local, port: PORT, exclusive: true }, () => {
		socket.connect(PORT, peer, () => {
			inward(socket, mtu);
			outward(socket, mtu);
		});
	});
}

if (process.argv[2] === '--vectors') {
	require('./vectors.js').answerVectors();
} else {
	main();
}
